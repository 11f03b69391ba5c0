import { type Codec, largest, readHalf, reciprocal, writeHalf } from "./codec.ts";

// Block of 32 elements, 18 bytes: d f16, qs u8[16]. Byte j holds element j in its low and element j + 16 in its high four bits.
// w = d · (n - 8). The quantiser gives the bytes of ggml's reference: d = v / -8 for the element v of largest magnitude,
// n = min(15, trunc(x / d + 8.5)), each step in float32.

export const q40: Codec = {
  scales: [0],
  quantize(values, blocks) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 18) {
      const d = Math.fround(largest(values, from, 32) / -8);
      const id = reciprocal(d);
      writeHalf(blocks, at, d);
      for (let j = 0; j < 16; j++) {
        const low = Math.fround(Math.fround(values[from + j]! * id) + 8.5) | 0;
        const high = Math.fround(Math.fround(values[from + j + 16]! * id) + 8.5) | 0;
        blocks[at + 2 + j] = Math.min(15, low) | (Math.min(15, high) << 4);
      }
    }
  },
  dequantize(blocks, values) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 18) {
      const d = readHalf(blocks, at);
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 2 + j]!;
        values[from + j] = d * ((byte & 15) - 8);
        values[from + j + 16] = d * ((byte >> 4) - 8);
      }
    }
  },
};
