import { uniformAt } from "@mamba/core";

/**
 * Which of `count` examples comes at a place in the order of the data: each epoch goes through all of them once, in an
 * order of its own. Any place can be asked for at once and nothing is stored, so resuming is remembering a number.
 *
 * A Feistel network of four rounds over the smallest square of a power of two that holds `count` is a permutation; what
 * it maps out of range is mapped again until it lies inside (cycle walking, Black & Rogaway 2002).
 */
export function shuffledIndex(place: number, count: number, seed: number): number {
  const epoch = Math.floor(place / count);
  let side = 1;
  while (side * side < count) side *= 2;
  let index = place % count;
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
