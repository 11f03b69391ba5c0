import { type Codec, largest, readHalf, writeHalf } from "./codec.ts";

// Block of 256 elements, 210 bytes: ql u8[128], qh u8[64], scales i8[16], d f16. w = d · scale · (n - 32). Halves h = 0, 1 of 128
// elements: for l = 0 … 31, bytes a = ql[64h + l], b = ql[64h + 32 + l] and c = qh[32h + l] hold the elements 128h + l + 0, 32, 64
// and 96: low four bits of a and of b, high four bits of a and of b, with bits 0-1, 2-3, 4-5 and 6-7 of c above them. Each 16
// elements have one scale. The quantiser tries 19 scales for each 16 elements, weights x², as ggml does.

const [highBits, scaleBytes, scaleOfAll] = [128, 192, 208];

/** The scale of the 16 values from `from` on, by least squares over the levels that each tried scale gives. */
function bestScale(values: Float32Array, from: number): number {
  const max = largest(values, from, 16);
  if (max === 0) return 0;
  let scale = 0;
  let best = 0;
  for (let k = -9; k <= 9; k++) {
    const inverse = -(32 + 0.1 * k) / max;
    let products = 0;
    let squares = 0;
    for (let i = from; i < from + 16; i++) {
      const x = values[i]!;
      // |inverse · x| < 33, so the sum is positive and truncation rounds to the nearest.
      const nearest = ((inverse * x + 64.5) | 0) - 64;
      const n = nearest > 31 ? 31 : nearest < -32 ? -32 : nearest;
      const wn = x * x * n;
      products += wn * x;
      squares += wn * n;
    }
    if (squares > 0 && products * products > best * squares) {
      scale = products / squares;
      best = scale * products;
    }
  }
  return scale;
}

/** n of an element in a group with this stored scale. */
function nearestLevel(x: number, scale: number): number {
  if (scale === 0) return 32;
  const n = x / scale + 32.5;
  return n < 1 ? 0 : n >= 63 ? 63 : n | 0;
}

export const q6K: Codec = {
  scales: [scaleOfAll],
  quantize(values, blocks) {
    const signed = new Int8Array(blocks.buffer, blocks.byteOffset, blocks.length);
    const scales = new Float32Array(16);
    const levels = new Uint8Array(256);
    for (let from = 0, at = 0; from < values.length; from += 256, at += 210) {
      for (let j = 0; j < 16; j++) scales[j] = bestScale(values, from + 16 * j);
      const max = largest(scales, 0, 16);
      const inverse = max === 0 ? 0 : -128 / max;
      const d = writeHalf(blocks, at + scaleOfAll, max / -128);
      for (let j = 0; j < 16; j++) {
        const scale = Math.min(127, Math.round(inverse * scales[j]!));
        signed[at + scaleBytes + j] = scale;
        for (let i = 16 * j; i < 16 * j + 16; i++) levels[i] = nearestLevel(values[from + i]!, d * scale);
      }
      for (let h = 0; h < 2; h++) {
        for (let l = 0; l < 32; l++) {
          const first = 128 * h + l;
          const n1 = levels[first]!;
          const n2 = levels[first + 32]!;
          const n3 = levels[first + 64]!;
          const n4 = levels[first + 96]!;
          blocks[at + 64 * h + l] = (n1 & 15) | ((n3 & 15) << 4);
          blocks[at + 64 * h + 32 + l] = (n2 & 15) | ((n4 & 15) << 4);
          blocks[at + highBits + 32 * h + l] =
            (n1 >> 4) | ((n2 >> 4) << 2) | ((n3 >> 4) << 4) | ((n4 >> 4) << 6);
        }
      }
    }
  },
  dequantize(blocks, values) {
    const signed = new Int8Array(blocks.buffer, blocks.byteOffset, blocks.length);
    for (let from = 0, at = 0; from < values.length; from += 256, at += 210) {
      const d = readHalf(blocks, at + scaleOfAll);
      for (let h = 0; h < 2; h++) {
        for (let l = 0; l < 32; l++) {
          const a = blocks[at + 64 * h + l]!;
          const b = blocks[at + 64 * h + 32 + l]!;
          const c = blocks[at + highBits + 32 * h + l]!;
          const first = from + 128 * h + l;
          const scale = at + scaleBytes + 8 * h + (l >> 4);
          values[first] = d * signed[scale]! * (((a & 15) | ((c & 3) << 4)) - 32);
          values[first + 32] = d * signed[scale + 2]! * (((b & 15) | (((c >> 2) & 3) << 4)) - 32);
          values[first + 64] = d * signed[scale + 4]! * (((a >> 4) | (((c >> 4) & 3) << 4)) - 32);
          values[first + 96] = d * signed[scale + 6]! * (((b >> 4) | ((c >> 6) << 4)) - 32);
        }
      }
    }
  },
};
