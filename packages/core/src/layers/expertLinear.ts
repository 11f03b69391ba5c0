import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import type { Linear, LowRankUpdate } from "./linear.ts";

/** A linear layer that adapters can adapt: one matrix, or one for each expert. */
export type AnyLinear = Linear | ExpertLinear;

/** The linear layers of E experts over one borrowed parameter, and an update of it while one is set. */
export class ExpertLinear {
  /** [E, O, I] */
  readonly weight: Tensor;
  /** A low-rank update of each expert: `A` is [E, r, I] and `B` [E, O, r]. The weight stays as it is. */
  update: LowRankUpdate | undefined;

  constructor(weight: Tensor) {
    this.weight = weight;
  }

  /** x [R, I] or [R, K, I], experts i32 [R, K] -> [R, K, O] */
  forward(ops: Ops, x: Tensor, experts: Tensor): Tensor {
    const y = ops.expertLinear({ x, weight: this.weight, experts });
    if (this.update === undefined) return y;
    const { A, B, scale } = this.update;
    const low = ops.scale(ops.expertLinear({ x, weight: A, experts }), scale); // [R, K, r]
    return ops.add(y, ops.expertLinear({ x: low, weight: B, experts }));
  }
}
