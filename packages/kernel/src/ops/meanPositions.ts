import { bindAxes } from "../checks/bindAxes.ts";
import { checkPositions, type PositionRanges } from "../checks/positions.ts";
import { checkInteger } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import type { PositionSizes } from "./sizes.ts";

/**
 * Pooling over the positions of each sequence. Without `sequenceIds` and `ranges` each row of `x` is one sequence, and S = B;
 * they are given together or not at all.
 */
export interface PositionsArgs extends PositionRanges {
  /** [B, L, D] */
  x: Tensor;
}

export interface PositionsBackwardArgs extends PositionRanges {
  /** [S, D] */
  dy: Tensor;
  /** B */
  batch: number;
  /** L */
  length: number;
}

export interface MeanPositionsOp {
  /**
   * x [B, L, D] -> [S, D]: the mean over the positions that count for each sequence (see `PositionsArgs`). NaN for a sequence
   * of which no position counts.
   */
  meanPositions(args: PositionsArgs): Tensor;
}

export interface MeanPositionsBackwardOp {
  /**
   * dy [S, D] -> dx [B, L, D]: `dx[p] = dy[s] / count(s)` at each position p that counts for sequence s, and 0 at the others.
   */
  meanPositionsBackward(args: PositionsBackwardArgs): Tensor;
}

export const meanPositions = {
  parameters: ["args"],
  check: (args) => checkPooling("meanPositions", args),
} satisfies OpDefinition<MeanPositionsOp["meanPositions"]>;

export const meanPositionsBackward = {
  parameters: ["args"],
  check(args): PositionSizes {
    const op = "meanPositionsBackward";
    const { dy, batch, length } = args;
    checkExtents(op, batch, length);
    const sequences = checkPositions(op, batch, length, args);
    const { D } = bindAxes(op, { dy: { tensor: dy, axes: "S D" } });
    bindAxes(op, { dy: { tensor: dy, axes: `${sequences} ${D}` } });
    return { batch, length, channels: D, sequences };
  },
} satisfies OpDefinition<MeanPositionsBackwardOp["meanPositionsBackward"]>;

/** Checks the arguments of a pooling op and returns its sizes. */
export function checkPooling(op: string, args: PositionsArgs): PositionSizes {
  const { B, L, D } = bindAxes(op, { x: { tensor: args.x, axes: "B L D" } });
  return { batch: B, length: L, channels: D, sequences: checkPositions(op, B, L, args) };
}

/** @throws KernelError `ARGUMENT` unless both are whole numbers >= 1 */
export function checkExtents(op: string, batch: number, length: number): void {
  checkInteger(op, "batch", batch, 1, 2 ** 31 - 1);
  checkInteger(op, "length", length, 1, 2 ** 31 - 1);
}
