import type { Values } from "./math.ts";

/** The real positions of one sequence of a row, in order. */
export type Positions = readonly number[];

/**
 * The sequences of row `b` by a `sequenceIds` argument: a real position starts one when its number differs from that of the
 * last real position before it. There is at least one sequence, so that the state of a row has a sequence to belong to; it is
 * empty when the row is padding throughout.
 */
export function sequencesOf(ids: Values | undefined, b: number, length: number): Positions[] {
  if (ids === undefined) return [Array.from({ length }, (_, l) => l)];
  const sequences: number[][] = [];
  let last: number | undefined;
  for (let l = 0; l < length; l++) {
    const id = ids[b * length + l]!;
    if (id < 0) continue;
    if (id !== last) sequences.push([]);
    sequences.at(-1)?.push(l);
    last = id;
  }
  return sequences.length > 0 ? sequences : [[]];
}
