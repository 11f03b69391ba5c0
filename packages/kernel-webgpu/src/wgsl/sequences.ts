/**
 * WGSL that maps ranks to positions. The real positions of a row have the ranks 0, 1, … in order, and its padding has the ranks
 * that follow. Shaders loop over ranks, so that padding costs nothing and neighbours in a sequence have neighbouring ranks.
 * - `realCount(b)`: the number of real positions of row b
 * - `rowAt(b, rank)`: the row of [B * L, …] that holds this rank
 * - `rowOf(at)`, `isPadding(at)`: for `at` = b * L + rank, the row, and true for padding
 * - `startOf(b, rank)`: the rank at which the sequence of a real rank starts
 * - `isFresh(b, rank)`: true when a sequence other than the first of the row starts at a real rank
 * - `freshIn(b, low, high)`: true when one does so within real ranks [low, high), which are not empty
 *
 * @param word WGSL of word `i` of the index that `sequenceIndex` makes; undefined when all positions of a row are one sequence
 */
export function sequenceFunctions(word: string | undefined): string {
  if (word === undefined)
    return /* wgsl */ `
fn realCount(b: u32) -> u32 { return p.length; }
fn rowAt(b: u32, rank: u32) -> u32 { return b * p.length + rank; }
fn rowOf(at: u32) -> u32 { return at; }
fn isPadding(at: u32) -> bool { return false; }
fn startOf(b: u32, rank: u32) -> u32 { return 0u; }
fn isFresh(b: u32, rank: u32) -> bool { return false; }
fn freshIn(b: u32, low: u32, high: u32) -> bool { return false; }`;
  return /* wgsl */ `
fn indexWord(b: u32, word: u32) -> u32 {
  let i = b * (2u * p.length + 1u) + word;
  return ${word};
}
fn realCount(b: u32) -> u32 { return indexWord(b, 2u * p.length); }
fn rowAt(b: u32, rank: u32) -> u32 { return b * p.length + indexWord(b, rank); }
fn rowOf(at: u32) -> u32 { return rowAt(at / p.length, at % p.length); }
fn isPadding(at: u32) -> bool { return at % p.length >= realCount(at / p.length); }
fn startOf(b: u32, rank: u32) -> u32 { return indexWord(b, p.length + rank); }
fn isFresh(b: u32, rank: u32) -> bool { return rank > 0u && startOf(b, rank) == rank; }
fn freshIn(b: u32, low: u32, high: u32) -> bool { return startOf(b, high - 1u) >= max(low, 1u); }`;
}
