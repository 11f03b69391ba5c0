import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import type { LowRankUpdate } from "./linear.ts";

/** A table of one row for each token id, borrowed, and an update of the table while one is set. */
export class Embedding {
  /** [V, D] */
  readonly weight: Tensor;
  /**
   * Computed beside the table, which stays as it is: `y += scale · A[id] · Bᵀ`. Unlike that of a linear layer, `A` is a table,
   * [V, r], and `B` [D, r].
   */
  update: LowRankUpdate | undefined;

  constructor(weight: Tensor) {
    this.weight = weight;
  }

  /** ids i32 [...] -> [..., D] */
  forward(ops: Ops, ids: Tensor): Tensor {
    const y = ops.embedding(ids, this.weight);
    if (this.update === undefined) return y;
    const { A, B, scale } = this.update;
    const low = ops.scale(ops.embedding(ids, A), scale); // [..., r]
    return ops.add(y, ops.linear(low, B));
  }
}
