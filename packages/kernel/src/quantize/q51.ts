import { type Codec, readHalf, reciprocal, writeHalf } from "./codec.ts";
import { readFifthBits, writeFifthBits } from "./fifthBits.ts";

// Block of 32 elements, 24 bytes: d f16, m f16, qh u32, qs u8[16] in the order of q5_0. w = d · n + m. The quantiser gives the
// bytes of ggml's reference: m = min, d = (max - min) / 31, n = trunc((x - min) / d + 0.5), each step in float32.

export const q51: Codec = {
  scales: [0, 2],
  quantize(values, blocks) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 24) {
      let min = Infinity;
      let max = -Infinity;
      for (let i = from; i < from + 32; i++) {
        min = values[i]! < min ? values[i]! : min;
        max = values[i]! > max ? values[i]! : max;
      }
      const d = Math.fround(Math.fround(max - min) / 31);
      const id = reciprocal(d);
      writeHalf(blocks, at, d);
      writeHalf(blocks, at + 2, min);
      let bits = 0;
      for (let j = 0; j < 16; j++) {
        const low = Math.fround(Math.fround(Math.fround(values[from + j]! - min) * id) + 0.5) | 0;
        const high = Math.fround(Math.fround(Math.fround(values[from + j + 16]! - min) * id) + 0.5) | 0;
        blocks[at + 8 + j] = (low & 15) | ((high & 15) << 4);
        bits |= ((low >> 4) << j) | ((high >> 4) << (j + 16));
      }
      writeFifthBits(blocks, at + 4, bits);
    }
  },
  dequantize(blocks, values) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 24) {
      const d = readHalf(blocks, at);
      const m = readHalf(blocks, at + 2);
      const bits = readFifthBits(blocks, at + 4);
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 8 + j]!;
        values[from + j] = d * ((byte & 15) | (((bits >> j) & 1) << 4)) + m;
        values[from + j + 16] = d * ((byte >> 4) | (((bits >> (j + 16)) & 1) << 4)) + m;
      }
    }
  },
};
