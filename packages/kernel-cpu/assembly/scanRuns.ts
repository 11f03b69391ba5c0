import { SAVED_STEPS } from "./scanInputs.ts";
import { idAt, lastReal } from "./sequences.ts";

// The positions of one sequence within a time chunk, as a list of runs without padding between their positions. A run is three i32:
// its first position, the number of its positions, and the row in scratch of the first one.

/** Bytes of a run. */
export const RUN: usize = 12;
export const STEPS_OF_RUN: usize = 4;
export const ROW_OF_RUN: usize = 8;
/** There is padding between two runs. */
export const MAX_RUNS: i32 = SAVED_STEPS / 2;

/**
 * Writes the runs of positions up to `last`, and from `from` on, that are of the sequence of `last`: the last run first. Returns the
 * address after them.
 */
export function findRuns(ids: usize, last: i32, from: i32, runs: usize): usize {
  const id = idAt(ids, last);
  do {
    let l = ids ? last : from;
    while (l > from && idAt(ids, l - 1) == id) l--;
    store<i32>(runs, l);
    store<i32>(runs, last + 1 - l, STEPS_OF_RUN);
    runs += RUN;
    last = lastReal(ids, l);
  } while (last >= from && idAt(ids, last) == id);
  return runs;
}
