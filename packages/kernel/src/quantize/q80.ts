import { type Codec, largest, readHalf, reciprocal, writeHalf } from "./codec.ts";

// Block of 32 elements, 34 bytes: d f16, q i8[32]. w = d · q. The quantiser gives the bytes of ggml's reference: d = max|x| / 127,
// q = round(x / d), halves away from zero, with the float32 reciprocal of the unrounded d.

export const q80: Codec = {
  scales: [0],
  quantize(values, blocks) {
    const bytes = new Int8Array(blocks.buffer, blocks.byteOffset, blocks.length);
    for (let from = 0, at = 0; from < values.length; from += 32, at += 34) {
      const d = Math.fround(Math.abs(largest(values, from, 32)) / 127);
      const id = reciprocal(d);
      writeHalf(blocks, at, d);
      for (let j = 0; j < 32; j++) {
        const x = Math.fround(values[from + j]! * id);
        bytes[at + 2 + j] = (x < 0 ? x - 0.5 : x + 0.5) | 0;
      }
    }
  },
  dequantize(blocks, values) {
    const bytes = new Int8Array(blocks.buffer, blocks.byteOffset, blocks.length);
    for (let from = 0, at = 0; from < values.length; from += 32, at += 34) {
      const d = readHalf(blocks, at);
      for (let j = 0; j < 32; j++) values[from + j] = d * bytes[at + 2 + j]!;
    }
  },
};
