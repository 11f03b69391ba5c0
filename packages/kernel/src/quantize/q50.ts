import { type Codec, largest, readHalf, reciprocal, writeHalf } from "./codec.ts";
import { readFifthBits, writeFifthBits } from "./fifthBits.ts";

// Block of 32 elements, 22 bytes: d f16, qh u32, qs u8[16] in the order of q4_0. Bit j of qh is the fifth bit of element j.
// w = d · (n - 16). The quantiser gives the bytes of ggml's reference: d = v / -16 for the element v of largest magnitude,
// n = min(31, trunc(x / d + 16.5)), each step in float32.

export const q50: Codec = {
  scales: [0],
  quantize(values, blocks) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 22) {
      const d = Math.fround(largest(values, from, 32) / -16);
      const id = reciprocal(d);
      writeHalf(blocks, at, d);
      let bits = 0;
      for (let j = 0; j < 16; j++) {
        const low = Math.min(31, Math.fround(Math.fround(values[from + j]! * id) + 16.5) | 0);
        const high = Math.min(31, Math.fround(Math.fround(values[from + j + 16]! * id) + 16.5) | 0);
        blocks[at + 6 + j] = (low & 15) | ((high & 15) << 4);
        bits |= ((low >> 4) << j) | ((high >> 4) << (j + 16));
      }
      writeFifthBits(blocks, at + 2, bits);
    }
  },
  dequantize(blocks, values) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 22) {
      const d = readHalf(blocks, at);
      const bits = readFifthBits(blocks, at + 2);
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 6 + j]!;
        values[from + j] = d * (((byte & 15) | (((bits >> j) & 1) << 4)) - 16);
        values[from + j + 16] = d * (((byte >> 4) | (((bits >> (j + 16)) & 1) << 4)) - 16);
      }
    }
  },
};
