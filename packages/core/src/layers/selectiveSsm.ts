import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/ops.ts";
import { hidden, type Init, type ParameterSpec, small } from "../parameters/spec.ts";
import { Linear } from "./linear.ts";
import { hiddenStd, type MambaConfig, parametrization } from "./mambaConfig.ts";
import type { LayerContext } from "./module.ts";

/** Parameters of one direction of the selective SSM: all of a block but `in_proj`, `out_proj` and the inner norms. */
export function ssmParameters(config: MambaConfig): ParameterSpec[] {
  const { dInner, dState, dConv, dtRank, dtMin, dtMax, dtInitFloor } = config;
  const { widthMultiplier, zeroStart } = parametrization(config);
  // Under muP too: dtRank, the fan-in, grows with the width.
  const dtBound = dtRank ** -0.5 * config.dtScale;
  const dtInit: Init =
    config.dtInit === "random" ? { kind: "uniform", bound: dtBound } : { kind: "constant", value: dtBound };
  const convBound = dConv ** -0.5;
  const convInit: Init = zeroStart ? { kind: "constant", value: 0 } : { kind: "uniform", bound: convBound };
  const selection = dtRank + 2 * dState;
  return [
    { ...small("conv1d.weight", [dInner, dConv], convInit), weightDecay: true },
    ...(config.convBias ? [small("conv1d.bias", [dInner], { kind: "uniform", bound: convBound })] : []),
    config.selective
      ? hidden(
          "x_proj.weight",
          [selection, dInner],
          { kind: "normal", std: hiddenStd(config) },
          widthMultiplier,
        )
      : small("selection.weight", [1, selection], { kind: "normal", std: 1 }),
    hidden("dt_proj.weight", [dInner, dtRank], dtInit, widthMultiplier),
    small("dt_proj.bias", [dInner], { kind: "dtBias", min: dtMin, max: dtMax, floor: dtInitFloor }),
    small("A_log", [dInner, dState], { kind: "aLog" }),
    small("D", [dInner], { kind: "constant", value: 1 }),
  ];
}

/** The inputs of the scan that depend on the input of the SSM. */
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
 * Without selection a learned constant takes the place of the output of `x_proj`. Letters: see `mamba.ts`.
 */
export class SelectiveSSM {
  readonly #config: MambaConfig;
  readonly #conv: { readonly weight: Tensor; readonly bias: Tensor | undefined; readonly activation: "silu" };
  /** Absent without selection. */
  readonly xProj: Linear | undefined;
  /** [1, R + 2N]: stands for the output of `x_proj` at every position. Present without selection. */
  readonly #constant: Tensor | undefined;
  /** Without its bias, which belongs to the scan. */
  readonly dtProj: Linear;
  /** Weights of the inner norms; 1 where they are absent. */
  readonly #innerNorms: { readonly dt?: Tensor; readonly B?: Tensor; readonly C?: Tensor };
  readonly #aLog: Tensor;
  readonly #scan: { readonly D: Tensor; readonly deltaBias: Tensor; readonly deltaSoftplus: true };

  /** @param parameterOf finds a parameter by its name in the block; it is borrowed */
  constructor(config: MambaConfig, parameterOf: (name: string) => Tensor) {
    this.#config = config;
    this.#conv = {
      weight: parameterOf("conv1d.weight"),
      bias: config.convBias ? parameterOf("conv1d.bias") : undefined,
      activation: "silu",
    };
    if (config.selective) this.xProj = new Linear(parameterOf("x_proj.weight"));
    else this.#constant = parameterOf("selection.weight");
    this.dtProj = new Linear(parameterOf("dt_proj.weight"));
    this.#innerNorms =
      config.innerNorms === "weighted" && parametrization(config).normGains
        ? {
            dt: parameterOf("dt_layernorm.weight"),
            B: parameterOf("b_layernorm.weight"),
            C: parameterOf("c_layernorm.weight"),
          }
        : {};
    this.#aLog = parameterOf("A_log");
    this.#scan = { D: parameterOf("D"), deltaBias: parameterOf("dt_proj.bias"), deltaSoftplus: true };
  }

  /** x, z [B, L, ED] -> [B, L, ED]. States: [scanState, convInputs]. */
  forward(ops: Ops, x: Tensor, z: Tensor, { state, sequences }: LayerContext): Tensor {
    const [scanState, convInputs] = state ?? [];
    const range = sequences?.range;
    const u = ops.causalConv1d({ ...this.#conv, x, range, state: convInputs }); // [B, L, ED]
    const selection = this.#select(ops, u);
    const A = ops.derived(this.#aLog, "negExp"); // [ED, N]
    return ops.selectiveScan({ ...this.#scan, A, u, ...selection, z, range, state: scanState });
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

  /** The learned constant at every position of u [..., ED]: [..., R + 2N] */
  #everywhere(ops: Ops, u: Tensor): Tensor {
    const positions = u.shape.slice(0, -1);
    const ids = ops.constant(new Int32Array(positions.reduce((n, extent) => n * extent, 1)), positions);
    return ops.embedding(ids, this.#constant as Tensor);
  }
}
