import { type Codec, largest, readHalf, writeHalf } from "./codec.ts";

// Block of 32 elements, 18 bytes: d f16, qs u8[16] in the order of q4_0. w = d · T[n]. The quantiser tries 15 scales
// (k + T[0]) / v, k = -7 … 7, for the element v of largest magnitude; each is improved by least squares with weights x².

/** T. */
const levels: readonly number[] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
const table = Int8Array.from(levels);

/** The index of the level nearest to `i / 2 - reach`; halfway between two levels the upper one. All such points are halves. */
const reach = 160;
const nearest = Uint8Array.from({ length: 4 * reach }, (_, i) => {
  const x = i / 2 - reach;
  return levels.reduce(
    (best, level, n) => (Math.abs(level - x) <= Math.abs(levels[best]! - x) ? n : best),
    0,
  );
});

function nearestLevel(x: number): number {
  const at = Math.floor(2 * (x + reach));
  return nearest[at < 0 ? 0 : at >= 4 * reach ? 4 * reach - 1 : at]!;
}

/** The scale of the 32 values from `from` on. */
function bestScale(values: Float32Array, from: number): number {
  const max = largest(values, from, 32);
  if (max === 0) return 0;
  let scale = 0;
  let best = 0;
  for (let k = -7; k <= 7; k++) {
    const id = (k + levels[0]!) / max;
    let products = 0;
    let squares = 0;
    for (let i = from; i < from + 32; i++) {
      const x = values[i]!;
      const q = table[nearestLevel(id * x)]!;
      const w = x * x;
      products += w * q * x;
      squares += w * q * q;
    }
    if (squares > 0 && products * products > best * squares) {
      scale = products / squares;
      best = scale * products;
    }
  }
  return scale;
}

export const iq4Nl: Codec = {
  scales: [0],
  quantize(values, blocks) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 18) {
      const d = bestScale(values, from);
      const id = d === 0 ? 0 : 1 / d;
      writeHalf(blocks, at, d);
      for (let j = 0; j < 16; j++) {
        const low = nearestLevel(values[from + j]! * id);
        blocks[at + 2 + j] = low | (nearestLevel(values[from + j + 16]! * id) << 4);
      }
    }
  },
  dequantize(blocks, values) {
    for (let from = 0, at = 0; from < values.length; from += 32, at += 18) {
      const d = readHalf(blocks, at);
      for (let j = 0; j < 16; j++) {
        const byte = blocks[at + 2 + j]!;
        values[from + j] = d * table[byte & 15]!;
        values[from + j + 16] = d * table[byte >> 4]!;
      }
    }
  },
};
