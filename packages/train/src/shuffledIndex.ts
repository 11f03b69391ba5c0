import { uniformAt } from "@mamba/core";

/**
 * The index of the example at a position in the order of the data. Each epoch contains all `count` examples once, in an
 * order of its own. The order is computed from its arguments and never stored, so a run resumes from a number.
 *
 * A Feistel network of four rounds permutes the numbers below the smallest square of a power of two that is at least
 * `count`. It is repeated until the result is below `count` (cycle walking, Black & Rogaway 2002).
 *
 * @param position counts examples over all epochs, from 0
 */
export function shuffledIndex(position: number, count: number, seed: number): number {
  const epoch = Math.floor(position / count);
  let side = 1;
  while (side * side < count) side *= 2;
  let index = position % count;
  do {
    let left = Math.floor(index / side);
    let right = index % side;
    for (let round = 0; round < 4; round++) {
      const mixed = Math.floor(uniformAt(seed, epoch, round, right) * side);
      [left, right] = [right, (left + mixed) % side];
    }
    index = left * side + right;
  } while (index >= count);
  return index;
}
