import type { Codec } from "./codec.ts";
import {
  fitGroup,
  groupScales,
  nearestLevel,
  readGroupScales,
  type Search,
  writeGroupScales,
} from "./scaleAndMin.ts";

// Block of 256 elements, 144 bytes: the head of scaleAndMin.ts, qs u8[128]. Bytes 32c … 32c + 31 of qs hold group 2c in their low
// and group 2c + 1 in their high four bits.

const head = 16;
const search: Search = { largest: 15, first: -1, step: 0.1, count: 20 };

export const q4K: Codec = {
  scales: [0, 2],
  quantize(values, blocks) {
    const found = groupScales();
    const { scales, minima } = found;
    for (let from = 0, at = 0; from < values.length; from += 256, at += 144) {
      for (let j = 0; j < 8; j++) fitGroup(values, from + 32 * j, search, found, j);
      writeGroupScales(blocks, at, found);
      for (let j = 0; j < 8; j += 2) {
        const bytes = at + head + 16 * j;
        const first = from + 32 * j;
        for (let l = 0; l < 32; l++) {
          const low = nearestLevel(values[first + l]!, scales[j]!, minima[j]!, 15);
          const high = nearestLevel(values[first + 32 + l]!, scales[j + 1]!, minima[j + 1]!, 15);
          blocks[bytes + l] = low | (high << 4);
        }
      }
    }
  },
  dequantize(blocks, values) {
    const stored = groupScales();
    const { scales, minima } = stored;
    for (let from = 0, at = 0; from < values.length; from += 256, at += 144) {
      readGroupScales(blocks, at, stored);
      for (let j = 0; j < 8; j += 2) {
        const bytes = at + head + 16 * j;
        const first = from + 32 * j;
        for (let l = 0; l < 32; l++) {
          const byte = blocks[bytes + l]!;
          values[first + l] = scales[j]! * (byte & 15) - minima[j]!;
          values[first + 32 + l] = scales[j + 1]! * (byte >> 4) - minima[j + 1]!;
        }
      }
    }
  },
};
