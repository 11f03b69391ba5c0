import type { Tensor } from "../tensor.ts";
import { bindAxes } from "./bindAxes.ts";
import { fail } from "./fail.ts";

/** The tensors that say which positions belong to which sequence. */
export interface PositionRanges {
  /** i32 [B, L], dense: the number of each position's sequence, from 0 to S - 1 over the whole batch; negative at padding. */
  sequenceIds?: Tensor | undefined;
  /**
   * i32 [S, 2], dense: `ranges[s] = [start, end)` holds all positions of sequence s, as indices into the flattened [B · L].
   * Position p of the range counts when `sequenceIds[p]` is s. A backend clamps both ends to [0, B · L].
   */
  ranges?: Tensor | undefined;
}

/**
 * Checks `sequenceIds` and `ranges` for an input of [batch, length] and returns the number of sequences, S.
 *
 * @throws KernelError `ARGUMENT` when only one of them is given; `DISPOSED`, `DTYPE` or `SHAPE`
 */
export function checkPositions(
  op: string,
  batch: number,
  length: number,
  { sequenceIds, ranges }: PositionRanges,
): number {
  if ((sequenceIds === undefined) !== (ranges === undefined)) {
    const missing = ranges === undefined ? "ranges" : "sequenceIds";
    fail("ARGUMENT", op, `sequenceIds and ranges must be given together, ${missing} is missing`);
  }
  const { S } = bindAxes(op, {
    sequenceIds: { tensor: sequenceIds, axes: "B L", dtypes: ["i32"], dense: true },
    ranges: { tensor: ranges, axes: "S 2", dtypes: ["i32"], dense: true },
  });
  if (sequenceIds === undefined) return batch;
  const [ownBatch, ownLength] = sequenceIds.shape;
  if (ownBatch !== batch || ownLength !== length) {
    fail("SHAPE", op, `sequenceIds must be [${batch}, ${length}], got [${sequenceIds.shape.join(", ")}]`);
  }
  return S;
}
