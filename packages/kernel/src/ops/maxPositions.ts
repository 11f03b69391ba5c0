import { bindAxes } from "../checks/bindAxes.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { checkExtents, checkPooling, type PositionsArgs } from "./meanPositions.ts";
import type { PositionSizes } from "./sizes.ts";

export interface MaxPositionsOp {
  /**
   * x [B, L, D] -> y [S, D], index i32 [S, D]: the largest value over the positions that count for each sequence (see
   * `PositionsArgs`), and the flattened position in [0, B · L) that holds it: the first of equal ones. A NaN is the largest
   * value: y is NaN and index is the first of them. For a sequence of which no position counts, y is NaN and index -1.
   */
  maxPositions(args: PositionsArgs): { y: Tensor; index: Tensor };
}

export interface MaxPositionsBackwardArgs {
  /** [S, D] */
  dy: Tensor;
  /** i32 [S, D], dense, from `maxPositions`: no position stands twice in a column. */
  index: Tensor;
  /** B */
  batch: number;
  /** L */
  length: number;
}

export interface MaxPositionsBackwardOp {
  /**
   * dy [S, D], index i32 [S, D] -> dx [B, L, D]: `dx[index[s, d], d] = dy[s, d]`, and 0 elsewhere. An index outside [0, B · L)
   * contributes nothing.
   */
  maxPositionsBackward(args: MaxPositionsBackwardArgs): Tensor;
}

export const maxPositions = {
  parameters: ["args"],
  check: (args) => checkPooling("maxPositions", args),
} satisfies OpDefinition<MaxPositionsOp["maxPositions"]>;

export const maxPositionsBackward = {
  parameters: ["args"],
  check({ dy, index, batch, length }): PositionSizes {
    const op = "maxPositionsBackward";
    checkExtents(op, batch, length);
    const { S, D } = bindAxes(op, {
      dy: { tensor: dy, axes: "S D" },
      index: { tensor: index, axes: "S D", dtypes: ["i32"], dense: true },
    });
    return { batch, length, channels: D, sequences: S };
  },
} satisfies OpDefinition<MaxPositionsBackwardOp["maxPositionsBackward"]>;
