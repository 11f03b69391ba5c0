import type { Codec } from "./codec.ts";
import {
  fitGroup,
  groupScales,
  nearestLevel,
  readGroupScales,
  type Search,
  writeGroupScales,
} from "./scaleAndMin.ts";

// Block of 256 elements, 176 bytes: the head of scaleAndMin.ts, qh u8[32], qs u8[128] in the order of q4_k. Bit j of qh[l] is the
// fifth bit of element l of group j.

const [high5, head] = [16, 48];
const search: Search = { largest: 31, first: -0.5, step: 0.1, count: 15 };

export const q5K: Codec = {
  scales: [0, 2],
  quantize(values, blocks) {
    const found = groupScales();
    const { scales, minima } = found;
    for (let from = 0, at = 0; from < values.length; from += 256, at += 176) {
      for (let j = 0; j < 8; j++) fitGroup(values, from + 32 * j, search, found, j);
      writeGroupScales(blocks, at, found);
      blocks.fill(0, at + high5, at + head);
      for (let j = 0; j < 8; j += 2) {
        const bytes = at + head + 16 * j;
        const first = from + 32 * j;
        for (let l = 0; l < 32; l++) {
          const low = nearestLevel(values[first + l]!, scales[j]!, minima[j]!, 31);
          const high = nearestLevel(values[first + 32 + l]!, scales[j + 1]!, minima[j + 1]!, 31);
          blocks[bytes + l] = (low & 15) | ((high & 15) << 4);
          blocks[at + high5 + l]! |= ((low >> 4) << j) | ((high >> 4) << (j + 1));
        }
      }
    }
  },
  dequantize(blocks, values) {
    const stored = groupScales();
    const { scales, minima } = stored;
    for (let from = 0, at = 0; from < values.length; from += 256, at += 176) {
      readGroupScales(blocks, at, stored);
      for (let j = 0; j < 8; j += 2) {
        const bytes = at + head + 16 * j;
        const first = from + 32 * j;
        for (let l = 0; l < 32; l++) {
          const byte = blocks[bytes + l]!;
          const fifth = blocks[at + high5 + l]! >> j;
          values[first + l] = scales[j]! * ((byte & 15) | ((fifth & 1) << 4)) - minima[j]!;
          values[first + 32 + l] = scales[j + 1]! * ((byte >> 4) | ((fifth & 2) << 3)) - minima[j + 1]!;
        }
      }
    }
  },
};
