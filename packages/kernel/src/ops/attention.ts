import { bindAxes } from "../checks/bindAxes.ts";
import { checkHeads, headWidth } from "../checks/heads.ts";
import { checkFinite } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Residual, Tensor } from "../tensor.ts";
import type { Grads } from "./grads.ts";
import { AttentionResidual, checkResidual } from "./residual.ts";
import type { AttentionSizes } from "./sizes.ts";

/**
 * Causal attention (Vaswani et al. 2017) with shared keys and values (Ainslie et al. 2023). B batch, L length, Hq query heads of Dk
 * columns, Hkv heads of keys (Dk columns) and values (Dv columns); query head h reads key head `floor(h / (Hq / Hkv))`:
 * ```
 * p[i, j] = softmax_j(scale * q[i] · k[j])          over the keys j that position i sees
 * y[i] = sum_j p[i, j] v[j]
 * ```
 * Position i sees key j when j <= i and both have the same number in `sequenceIds`, which is not negative. A backend computes
 * tiles with a running maximum (Dao et al. 2022) and never stores [L, L]. Tiles begin at multiples of the tile's length, and
 * keys that a position does not see have no part in its result.
 */
export interface AttentionArgs {
  /** [B, L, Hq·Dk] */
  q: Tensor;
  /** [B, L, Hkv·Dk] */
  k: Tensor;
  /** [B, L, Hkv·Dv] */
  v: Tensor;
  /** Hq */
  heads: number;
  /** Hkv, divides `heads`. */
  kvHeads: number;
  scale: number;
  /** i32 [B, L]: the sequence of each position, negative at padding, where y = 0. Default: each row is one sequence. */
  sequenceIds?: Tensor | undefined;
}

export interface AttentionOp {
  /** y [B, L, Hq·Dv]; see `AttentionArgs` for the formula. */
  attention(args: AttentionArgs): Tensor;
}

export interface AttentionTrainingOps {
  /** `attention` that also returns the residual of its backward: one number for each position and query head. */
  attentionForward(args: AttentionArgs): { y: Tensor; residual: Residual };
  /** Gradients of `attention`. `y` and the residual are those of a forward call with the same arguments. */
  attentionBackward(dy: Tensor, args: AttentionArgs, y: Tensor, residual: Residual): Grads<AttentionArgs>;
}

export const attention = {
  parameters: ["args"],
  check: (args) => checkAttention("attention", args),
} satisfies OpDefinition<AttentionOp["attention"]>;

export const attentionForward = {
  parameters: ["args"],
  check: (args) => checkAttention("attentionForward", args),
} satisfies OpDefinition<AttentionTrainingOps["attentionForward"]>;

export const attentionBackward = {
  parameters: ["dy", "args", "y", "residual"],
  check(dy, args, y, residual) {
    const op = "attentionBackward";
    const sizes = checkAttention(op, args);
    const { batch, length, heads, valueDim } = sizes;
    const results = { dy: { tensor: dy, axes: "B L O" }, y: { tensor: y, axes: "B L O" } } as const;
    bindAxes(op, results, { B: batch, L: length, O: heads * valueDim });
    checkResidual(op, residual, AttentionResidual, sizes);
    return sizes;
  },
} satisfies OpDefinition<AttentionTrainingOps["attentionBackward"]>;

function checkAttention(op: string, args: AttentionArgs): AttentionSizes {
  checkAttentionHeads(op, args);
  const { B, L } = bindAxes(op, {
    q: { tensor: args.q, axes: "B L Q" },
    k: { tensor: args.k, axes: "B L K" },
    v: { tensor: args.v, axes: "B L V" },
    sequenceIds: { tensor: args.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true },
  });
  const { heads, kvHeads } = args;
  return { batch: B, length: L, heads, kvHeads, ...attentionWidths(op, args) };
}

/** @throws KernelError `ARGUMENT` unless `kvHeads` divides `heads` and `scale` is finite */
export function checkAttentionHeads(
  op: string,
  { heads, kvHeads, scale }: Pick<AttentionArgs, "heads" | "kvHeads" | "scale">,
): void {
  checkHeads(op, heads, "kvHeads", kvHeads);
  checkFinite(op, "scale", scale);
}

/** @throws KernelError `SHAPE` unless the columns of q, k and v are those of all heads, and equal in q and k */
export function attentionWidths(
  op: string,
  { q, k, v, heads, kvHeads }: Pick<AttentionArgs, "q" | "k" | "v" | "heads" | "kvHeads">,
): Pick<AttentionSizes, "keyDim" | "valueDim"> {
  const keyDim = headWidth(op, "q", q, "heads", heads);
  const valueDim = headWidth(op, "v", v, "kvHeads", kvHeads);
  bindAxes(op, { k: { tensor: k, axes: "B L K" } }, { K: kvHeads * keyDim });
  return { keyDim, valueDim };
}
