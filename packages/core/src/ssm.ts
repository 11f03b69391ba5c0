import type { Kernel, Tensor } from "@mamba/kernel";
import type { SequenceOptions } from "./block.ts";
import type { LayerCache } from "./cache.ts";
import type { MambaConfig } from "./config.ts";
import { Linear } from "./linear.ts";
import type { Ops } from "./ops.ts";

/** What the input selects at each position: the part of the SSM that is not constant in time. */
interface Selection {
  /** [..., ED], without its bias and softplus: both belong to the scan. */
  readonly delta: Tensor;
  /** [..., N] */
  readonly B: Tensor;
  /** [..., N] */
  readonly C: Tensor;
}

/**
 * One direction of a block, from the convolution to the gate:
 * `conv1d + silu -> x_proj -> (dt | B | C) [-> inner RMS norms] -> dt_proj.weight -> selective scan`.
 *
 * Without selection a learned constant stands for what `x_proj` gives.
 * ED is `dInner`, N `dState`, R `dtRank`, W `dConv`.
 */
export class SelectiveSSM implements Disposable {
  readonly #config: MambaConfig;
  readonly #conv: { weight: Tensor; bias: Tensor | undefined; activation: "silu" };
  /** Absent without selection. */
  readonly xProj: Linear | undefined;
  /** [1, R + 2N]: what `x_proj` would give, the same everywhere. Present without selection. */
  readonly #fixed: Tensor | undefined;
  /** Without its bias, which belongs to the scan. */
  readonly dtProj: Linear;
  /** Weights of the inner norms; absent ones stand for 1. */
  readonly #innerNorms: { dt?: Tensor; B?: Tensor; C?: Tensor };
  readonly #aLog: Tensor;
  /** The constants of the scan. A is -exp(A_log) as of the last `refresh`. */
  readonly #constants: { A: Tensor; D: Tensor; deltaBias: Tensor; deltaSoftplus: true };

  /** `parameterOf` finds a parameter by its name within the block. */
  constructor(kernel: Kernel, config: MambaConfig, parameterOf: (name: string) => Tensor) {
    this.#config = config;
    this.#conv = {
      weight: parameterOf("conv1d.weight"),
      bias: config.convBias ? parameterOf("conv1d.bias") : undefined,
      activation: "silu",
    };
    if (config.selective) this.xProj = new Linear(parameterOf("x_proj.weight"));
    else this.#fixed = parameterOf("selection.weight");
    this.dtProj = new Linear(parameterOf("dt_proj.weight"));
    const weighted = config.innerNorms === "jamba" && config.mupBaseWidth === undefined;
    this.#innerNorms = weighted
      ? {
          dt: parameterOf("dt_layernorm.weight"),
          B: parameterOf("b_layernorm.weight"),
          C: parameterOf("c_layernorm.weight"),
        }
      : {};
    this.#aLog = parameterOf("A_log");
    this.#constants = {
      D: parameterOf("D"),
      deltaBias: parameterOf("dt_proj.bias"),
      deltaSoftplus: true,
      A: kernel.negExp(this.#aLog), // last: nothing after it can fail and leak it
    };
  }

  /** x, z [B, L, ED] -> [B, L, ED] */
  forward(ops: Ops, x: Tensor, z: Tensor, { cache, range }: SequenceOptions): Tensor {
    const want = cache !== undefined;
    const conv = ops.causalConv1d({ ...this.#conv, x, initialState: cache?.convInputs, range }, want);
    const u = conv.y; // [B, L, ED]
    const selection = this.#select(ops, u);
    const A = ops.recording ? ops.negExp(this.#aLog) : this.#constants.A; // [ED, N]
    const scan = ops.selectiveScan(
      { ...this.#constants, A, u, ...selection, z, initialState: cache?.state, range },
      want,
    );
    if (cache && conv.finalState && scan.finalState) {
      ops.copyInto(cache.convInputs, conv.finalState);
      ops.copyInto(cache.state, scan.finalState);
    }
    return scan.y;
  }

  /** One token: x, z [B, ED] -> [B, ED] */
  step(ops: Ops, x: Tensor, z: Tensor, cache: LayerCache): Tensor {
    const u = ops.causalConv1dStep(cache.convInputs, { ...this.#conv, x }); // [B, ED]
    return ops.selectiveStateUpdate(cache.state, { ...this.#constants, u, ...this.#select(ops, u), z });
  }

  /** u [..., ED] -> delta [..., ED], B and C [..., N] */
  #select(ops: Ops, u: Tensor): Selection {
    const { dtRank: R, dState: N, innerNorms, innerNormEps } = this.#config;
    const dtBC = this.xProj ? this.xProj.forward(ops, u) : this.#everywhere(ops, u); // [..., R + 2N]
    let dt = ops.columns(dtBC, 0, R);
    let B = ops.columns(dtBC, R, N);
    let C = ops.columns(dtBC, R + N, N);
    if (innerNorms !== "none") {
      dt = ops.rmsNorm(dt, this.#innerNorms.dt, innerNormEps);
      B = ops.rmsNorm(B, this.#innerNorms.B, innerNormEps);
      C = ops.rmsNorm(C, this.#innerNorms.C, innerNormEps);
    }
    return { delta: this.dtProj.forward(ops, dt), B, C };
  }

  /** The learned constants at every position of u [..., ED]: [..., R + 2N] */
  #everywhere(ops: Ops, u: Tensor): Tensor {
    const positions = u.shape.slice(0, -1);
    const ids = ops.constant(new Int32Array(positions.reduce((n, extent) => n * extent, 1)), positions);
    return ops.embedding(ids, this.#fixed as Tensor);
  }

  /** Takes over what training changed in A_log. */
  refresh(kernel: Kernel): void {
    using A = kernel.negExp(this.#aLog);
    kernel.copyInto(this.#constants.A, A);
  }

  dispose(): void {
    this.#constants.A.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
