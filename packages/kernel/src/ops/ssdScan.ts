import { bindAxes } from "../checks/bindAxes.ts";
import { checkHeads, headWidth } from "../checks/heads.ts";
import type { OpDefinition } from "../op.ts";
import type { Residual, Tensor } from "../tensor.ts";
import type { Grads } from "./grads.ts";
import { checkResidual, SsdResidual } from "./residual.ts";
import { checkStateSize } from "./selectiveScan.ts";
import type { SsdSizes } from "./sizes.ts";

/**
 * State space scan with one decay per head (Dao & Gu 2024, section 6). B batch, L length, H heads, P columns of a head, G groups,
 * N state size; head h reads group `floor(h / (H / G))` of `B` and `C`:
 * ```
 * S[l] = exp(logDecay[l]) * S[l-1] + weight[l] * x[l] ⊗ B[l]          S [B, H, P, N], S[-1] = initialState or 0
 * y[l] = S[l] · C[l] + D * x[l]
 * ```
 * Mamba-2 has `weight = dt` and `logDecay = dt * A`: see `discretize`.
 *
 * Backends compute chunks of positions as matrix products. Chunks begin at multiples of the backend's chunk length from the
 * start of the call, and that length divides 64. A number in `x`, `B`, `weight` or dy that is not finite may make results of other
 * positions of its row NaN; numbers at padding never do. When a sequence is computed in several calls and each begins at a multiple of 64
 * positions, `capabilities.batchInvariant` holds for their results; other boundaries give the same result to rounding.
 */
export interface SsdArgs {
  /** [B, L, H·P] */
  x: Tensor;
  /** [B, L, G·N], N from 1 to 256 */
  B: Tensor;
  /** [B, L, G·N] */
  C: Tensor;
  /** [B, L, H], <= 0 in a stable system. */
  logDecay: Tensor;
  /** [B, L, H] */
  weight: Tensor;
  /** [H], the skip connection. */
  D?: Tensor | undefined;
  heads: number;
  /** Divides `heads`. */
  groups: number;
  /** [B, H, P, N] */
  initialState?: Tensor | undefined;
  /** i32 [B, L]; see `ConvArgs.sequenceIds`. */
  sequenceIds?: Tensor | undefined;
}

export interface SsdScanOp {
  /** y [B, L, H·P]; on request `finalState` [B, H, P, N]. See `SsdArgs` for the formula. */
  ssdScan(args: SsdArgs): { y: Tensor };
  ssdScan(args: SsdArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  ssdScan(args: SsdArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor };
}

export interface SsdScanTrainingOps {
  /** `ssdScan` that also returns the residual of its backward: the state at the start of each chunk, never at each position. */
  ssdScanForward(args: SsdArgs): { y: Tensor; finalState: Tensor; residual: Residual };
  /**
   * Gradients of `ssdScan`. `dFinalState` [B, H, P, N] is the gradient of `finalState`. The residual is borrowed; it is that of a
   * forward call with the same arguments, `sequenceIds` included. The gradient of `logDecay` is exactly 0 at the first position of a
   * sequence that starts from zeros.
   */
  ssdScanBackward(dy: Tensor, args: SsdArgs, residual: Residual, dFinalState?: Tensor): Grads<SsdArgs>;
}

export const ssdScan = {
  parameters: ["args", "want"],
  check: (args) => checkSsdScan("ssdScan", args),
} satisfies OpDefinition<SsdScanOp["ssdScan"]>;

export const ssdScanForward = {
  parameters: ["args"],
  check: (args) => checkSsdScan("ssdScanForward", args),
} satisfies OpDefinition<SsdScanTrainingOps["ssdScanForward"]>;

export const ssdScanBackward = {
  parameters: ["dy", "args", "residual", "dFinalState"],
  check(dy, args, residual, dFinalState) {
    const op = "ssdScanBackward";
    const sizes = checkSsdScan(op, args);
    bindAxes(op, {
      x: { tensor: args.x, axes: "B L X" },
      dy: { tensor: dy, axes: "B L X" },
    });
    checkSsdState(op, "dFinalState", dFinalState, sizes);
    checkResidual(op, residual, SsdResidual, sizes);
    return sizes;
  },
} satisfies OpDefinition<SsdScanTrainingOps["ssdScanBackward"]>;

function checkSsdScan(op: string, args: SsdArgs): SsdSizes {
  const { x, heads, groups } = args;
  checkHeads(op, heads, "groups", groups);
  const { B, L } = bindAxes(
    op,
    {
      x: { tensor: x, axes: "B L X" },
      B: { tensor: args.B, axes: "B L Y" },
      C: { tensor: args.C, axes: "B L Y" },
      logDecay: { tensor: args.logDecay, axes: "B L H" },
      weight: { tensor: args.weight, axes: "B L H" },
      D: { tensor: args.D, axes: "H", dense: true },
      sequenceIds: { tensor: args.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true },
    },
    { H: heads },
  );
  const sizes = { batch: B, length: L, heads, groups, ...ssdWidths(op, args) };
  checkSsdState(op, "initialState", args.initialState, sizes);
  return sizes;
}

/** @throws KernelError `SHAPE` unless the columns are those of all heads and groups, `ARGUMENT` unless N is from 1 to 256 */
export function ssdWidths(
  op: string,
  { x, B, heads, groups }: Pick<SsdArgs, "x" | "B" | "heads" | "groups">,
): Pick<SsdSizes, "headDim" | "stateSize"> {
  const headDim = headWidth(op, "x", x, "heads", heads);
  const stateSize = headWidth(op, "B", B, "groups", groups);
  checkStateSize(op, stateSize);
  return { headDim, stateSize };
}

/** @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE` unless the state is dense f32 [B, H, P, N] */
export function checkSsdState(
  op: string,
  name: string,
  state: Tensor | undefined,
  { batch, heads, headDim, stateSize }: Omit<SsdSizes, "length">,
): void {
  const known = { B: batch, H: heads, P: headDim, N: stateSize };
  bindAxes(op, { [name]: { tensor: state, axes: "B H P N", dense: true } }, known);
}
