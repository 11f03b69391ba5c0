import { ints, type CaseInput } from "../case.ts";

/** The sequences of a batch as the pooling ops take them. */
export interface Pooled {
  /** [B · L] */
  readonly ids: readonly number[];
  /** [S, 2] */
  readonly ranges: readonly (readonly [start: number, end: number])[];
}

/** No argument: each row is one sequence. */
export const rowsAlone = undefined;

/**
 * Rows of length L >= 9 with, in turn: several sequences and padding, one sequence with padding inside, padding alone. After the
 * sequences of the rows come one without positions, one whose range holds only other sequences, and, when `outside` is
 * true, ranges that reach out of the batch.
 */
export function pooledRows(B: number, L: number, outside = false): Pooled {
  const ids: number[] = [];
  const ranges: [number, number][] = [];
  const fill = (from: number, to: number, hole = -1) => {
    for (let i = from; i < to; i++) if (i !== hole) ids[i] = ranges.length;
    ranges.push([from, to]);
  };
  for (let b = 0; b < B; b++) {
    const start = b * L;
    for (let l = 0; l < L; l++) ids[start + l] = [-1, -(2 ** 31), -7][l % 3] ?? -1;
    if (b % 3 === 0) {
      fill(start, start + 1);
      fill(start + 1, start + 4);
      fill(start + 5, start + L - 1);
    } else if (b % 3 === 1) fill(start + 2, start + L, start + 5);
  }
  ranges.push([3, 3], [0, 5]);
  if (outside) {
    ids[B * L - 1] = ranges.length;
    ranges.push([-5, B * L + 9]);
    ranges.push([B * L + 3, B * L + 7]);
  }
  return { ids, ranges };
}

/** The tensors of `pooled` for the inputs of a case. */
export function pooledInputs(
  pooled: Pooled | undefined,
  B: number,
  L: number,
): { sequenceIds: CaseInput | undefined; ranges: CaseInput | undefined } {
  if (pooled === undefined) return { sequenceIds: undefined, ranges: undefined };
  const { ids, ranges } = pooled;
  return { sequenceIds: ints(ids, [B, L]), ranges: ints(ranges.flat(), [ranges.length, 2]) };
}

/** Numbers in both tensors, for `Cost.bytes`. */
export function pooledCount(pooled: Pooled | undefined): number {
  return pooled ? pooled.ids.length + 2 * pooled.ranges.length : 0;
}
