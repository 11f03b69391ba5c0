import { type Codec, readHalf, reciprocal, writeHalf } from "./codec.ts";

// Block of 32 elements, 20 bytes: d f16, m f16, qs u8[16] in the order of q4_0. w = d · n + m. The quantiser gives the bytes of
// ggml's reference: m = min, d = (max - min) / 15, n = min(15, trunc((x - min) / d + 0.5)), each step in float32.

export const q41: Codec = {
  scales: [0, 2],
  quantize(values, blocks) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 20) {
      let min = Infinity;
      let max = -Infinity;
      for (let i = from; i < from + 32; i++) {
        min = values[i]! < min ? values[i]! : min;
        max = values[i]! > max ? values[i]! : max;
      }
      const d = Math.fround(Math.fround(max - min) / 15);
      const id = reciprocal(d);
      writeHalf(blocks, at, d);
      writeHalf(blocks, at + 2, min);
      for (let j = 0; j < 16; j++) {
        const low = Math.fround(Math.fround(Math.fround(values[from + j]! - min) * id) + 0.5) | 0;
        const high = Math.fround(Math.fround(Math.fround(values[from + j + 16]! - min) * id) + 0.5) | 0;
        blocks[at + 4 + j] = Math.min(15, low) | (Math.min(15, high) << 4);
      }
    }
  },
  dequantize(blocks, values) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 20) {
      const d = readHalf(blocks, at);
      const m = readHalf(blocks, at + 2);
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 4 + j]!;
        values[from + j] = d * (byte & 15) + m;
        values[from + j + 16] = d * (byte >> 4) + m;
      }
    }
  },
};
