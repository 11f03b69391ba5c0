import { bindAxes } from "../checks/bindAxes.ts";
import { checkInteger } from "../checks/scalars.ts";
import type { OpDefinition } from "../op.ts";
import type { Residual, Tensor } from "../tensor.ts";
import type { Grads } from "./grads.ts";
import { checkResidual, ScanResidual } from "./residual.ts";
import type { ScanSizes } from "./sizes.ts";

/**
 * Selective scan (Gu & Dao 2023, algorithm 2), with the steps around it fused. B batch, L length, D channels, N state
 * size:
 * ```
 * dt = deltaSoftplus ? softplus(delta + deltaBias) : delta + deltaBias          softplus(x) = x for x > 20
 * h[l] = exp(dt[l] * A) * h[l-1] + dt[l] * B[l] * u[l]                          h [B, D, N], h[-1] = initialState or 0
 * y[l] = (sum_n C[l,n] * h[l,n] + D * u[l]) * silu(z[l])
 * ```
 * `delta` is the bare matrix product `dt_proj.weight · dt`: the scan adds the bias and applies softplus, and no other
 * code does.
 */
export interface ScanArgs {
  /** [B, L, D] */
  u: Tensor;
  /** [B, L, D] */
  delta: Tensor;
  /** [D, N], negative for a stable system: `-exp(A_log)` */
  A: Tensor;
  /** [B, L, N] */
  B: Tensor;
  /** [B, L, N] */
  C: Tensor;
  /** [D], the skip connection. */
  D?: Tensor | undefined;
  /** [B, L, D], the gate, applied as silu(z). */
  z?: Tensor | undefined;
  /** [D] */
  deltaBias?: Tensor | undefined;
  /** Default false. */
  deltaSoftplus?: boolean | undefined;
  /** [B, D, N] */
  initialState?: Tensor | undefined;
  /** i32 [B, L]; see `ConvArgs.sequenceIds`. */
  sequenceIds?: Tensor | undefined;
}

export interface SelectiveScanOp {
  /** y [B, L, D]; on request `finalState` [B, D, N]. See `ScanArgs` for the formula. */
  selectiveScan(args: ScanArgs): { y: Tensor };
  selectiveScan(args: ScanArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  selectiveScan(args: ScanArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor };
}

export interface SelectiveScanTrainingOps {
  /**
   * `selectiveScan` that also returns the residual of its backward: states at chunk boundaries, O(B·D·N·L/chunk) bytes,
   * never O(B·L·D·N).
   */
  selectiveScanForward(args: ScanArgs): { y: Tensor; finalState: Tensor; residual: Residual };
  /**
   * Gradients of `selectiveScan`. `dFinalState` [B, D, N] is the gradient of `finalState`. The residual is borrowed; it is that
   * of a forward call with the same arguments, `sequenceIds` included.
   */
  selectiveScanBackward(
    dy: Tensor,
    args: ScanArgs,
    residual: Residual,
    dFinalState?: Tensor,
  ): Grads<ScanArgs>;
}

export const selectiveScan = {
  parameters: ["args", "want"],
  check: (args) => checkScan("selectiveScan", args),
} satisfies OpDefinition<SelectiveScanOp["selectiveScan"]>;

export const selectiveScanForward = {
  parameters: ["args"],
  check: (args) => checkScan("selectiveScanForward", args),
} satisfies OpDefinition<SelectiveScanTrainingOps["selectiveScanForward"]>;

export const selectiveScanBackward = {
  parameters: ["dy", "args", "residual", "dFinalState"],
  check(dy, args, residual, dFinalState) {
    const op = "selectiveScanBackward";
    const sizes = checkScan(op, args);
    bindAxes(op, {
      u: { tensor: args.u, axes: "B L D" },
      dy: { tensor: dy, axes: "B L D" },
      A: { tensor: args.A, axes: "D N" },
      dFinalState: { tensor: dFinalState, axes: "B D N", dense: true },
    });
    checkResidual(op, residual, ScanResidual, sizes);
    return sizes;
  },
} satisfies OpDefinition<SelectiveScanTrainingOps["selectiveScanBackward"]>;

function checkScan(op: string, args: ScanArgs): ScanSizes {
  const { B, L, D, N } = bindAxes(op, {
    u: { tensor: args.u, axes: "B L D" },
    delta: { tensor: args.delta, axes: "B L D" },
    A: { tensor: args.A, axes: "D N", dense: true },
    B: { tensor: args.B, axes: "B L N" },
    C: { tensor: args.C, axes: "B L N" },
    D: { tensor: args.D, axes: "D", dense: true },
    z: { tensor: args.z, axes: "B L D" },
    deltaBias: { tensor: args.deltaBias, axes: "D", dense: true },
    initialState: { tensor: args.initialState, axes: "B D N", dense: true },
    sequenceIds: { tensor: args.sequenceIds, axes: "B L", dtypes: ["i32"], dense: true },
  });
  checkStateSize(op, N);
  return { batch: B, length: L, channels: D, stateSize: N };
}

/** @throws KernelError `ARGUMENT` unless N is from 1 to 256. */
export function checkStateSize(op: string, stateSize: number): void {
  checkInteger(op, "the state size N", stateSize, 1, 256);
}
