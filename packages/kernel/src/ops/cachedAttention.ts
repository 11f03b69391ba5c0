import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";
import { type AttentionArgs, attentionWidths, checkAttentionHeads } from "./attention.ts";

/** `attention` of L new positions to the positions before them, whose keys and values are kept. */
export interface CachedAttentionArgs extends Omit<AttentionArgs, "sequenceIds"> {
  /** [B, T, Hkv·Dk], T >= L. Positions from `lengths` on get `k`. */
  keys: Tensor;
  /** [B, T, Hkv·Dv]. Positions from `lengths` on get `v`. */
  values: Tensor;
  /** i32 [B], dense: the number of positions that each row has. A backend clamps them to [0, T - L]. */
  lengths: Tensor;
}

export interface CachedAttentionOp {
  /**
   * y [B, L, Hq·Dv]. Writes k and v of row b to positions `lengths[b]` to `lengths[b] + L - 1` of `keys` and `values` in place; then
   * position i of row b sees keys 0 to `lengths[b] + i`. The results do not depend on T, nor on what later positions of `keys` and
   * `values` hold.
   */
  cachedAttention(args: CachedAttentionArgs): Tensor;
}

export const cachedAttention = {
  parameters: ["args"],
  check(args) {
    const op = "cachedAttention";
    checkAttentionHeads(op, args);
    const { B, L, T } = bindAxes(op, {
      q: { tensor: args.q, axes: "B L Q" },
      k: { tensor: args.k, axes: "B L K" },
      v: { tensor: args.v, axes: "B L V" },
      keys: { tensor: args.keys, axes: "B T K", dense: true },
      values: { tensor: args.values, axes: "B T V", dense: true },
      lengths: { tensor: args.lengths, axes: "B", dtypes: ["i32"], dense: true },
    });
    if (L > T) fail("SHAPE", op, `keys must have at least the ${L} positions of q, got ${T}`);
    const { heads, kvHeads } = args;
    return { batch: B, length: L, heads, kvHeads, ...attentionWidths(op, args), capacity: T };
  },
  writes: ({ keys, values }) => [keys, values],
} satisfies OpDefinition<CachedAttentionOp["cachedAttention"]>;
