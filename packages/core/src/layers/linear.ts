import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";

/** An update of low rank r to a weight [O, I]: `scale · B · A` (LoRA, Hu et al. 2021, section 4.1). */
export interface LowRankUpdate {
  /** [r, I] f32 */
  readonly A: Tensor;
  /** [O, r] f32 */
  readonly B: Tensor;
  readonly scale: number;
}

/** A linear layer over borrowed parameters: `y = x · weightᵀ + bias`, and an update of the weight while one is set. */
export class Linear {
  /** [O, I] */
  readonly weight: Tensor;
  /** [O] */
  readonly bias: Tensor | undefined;
  /** Computed beside the weight, which stays as it is: `y += scale · (x · Aᵀ) · Bᵀ`. */
  update: LowRankUpdate | undefined;

  constructor(weight: Tensor, bias?: Tensor) {
    this.weight = weight;
    this.bias = bias;
  }

  /** x [..., I] -> [..., O] */
  forward(ops: Ops, x: Tensor): Tensor {
    const y = ops.linear(x, this.weight, this.bias);
    if (this.update === undefined) return y;
    const { A, B, scale } = this.update;
    const low = ops.scale(ops.linear(x, A), scale); // [..., r]
    return ops.add(y, ops.linear(low, B));
  }
}
