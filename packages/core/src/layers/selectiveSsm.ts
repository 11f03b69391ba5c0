import { elementCount, type Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import { hiddenMatrix, type Init, type ParameterSpec, smallParameter } from "../parameters/spec.ts";
import { Linear } from "./linear.ts";
import { hasInnerGains, hiddenStd, type MambaConfig, parametrization } from "./mambaConfig.ts";
import type { LayerContext } from "./module.ts";
import { RMSNorm } from "./rmsNorm.ts";

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
    { ...smallParameter("conv1d.weight", [dInner, dConv], convInit), weightDecay: true },
    ...(config.convBias
      ? [smallParameter("conv1d.bias", [dInner], { kind: "uniform", bound: convBound })]
      : []),
    config.selective
      ? hiddenMatrix(
          "x_proj.weight",
          [selection, dInner],
          { kind: "normal", std: hiddenStd(config) },
          widthMultiplier,
        )
      : smallParameter("selection.weight", [1, selection], { kind: "normal", std: 1 }),
    hiddenMatrix("dt_proj.weight", [dInner, dtRank], dtInit, widthMultiplier),
    smallParameter("dt_proj.bias", [dInner], { kind: "dtBias", min: dtMin, max: dtMax, floor: dtInitFloor }),
    smallParameter("A_log", [dInner, dState], { kind: "aLog" }),
    smallParameter("D", [dInner], { kind: "constant", value: 1 }),
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
  /** x_proj, or without selection the constant [1, R + 2N] that stands for its output at every position. */
  readonly #projection: Linear | Tensor;
  /** Without its bias, which belongs to the scan. */
  readonly dtProj: Linear;
  readonly #innerNorms: { readonly dt: RMSNorm; readonly B: RMSNorm; readonly C: RMSNorm } | undefined;
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
    this.#projection = config.selective
      ? new Linear(parameterOf("x_proj.weight"))
      : parameterOf("selection.weight");
    this.dtProj = new Linear(parameterOf("dt_proj.weight"));
    if (config.innerNorms !== "none") {
      const norm = (name: string) =>
        new RMSNorm(
          hasInnerGains(config) ? parameterOf(`${name}_layernorm.weight`) : undefined,
          config.innerNormEps,
        );
      this.#innerNorms = { dt: norm("dt"), B: norm("b"), C: norm("c") };
    }
    this.#aLog = parameterOf("A_log");
    this.#scan = { D: parameterOf("D"), deltaBias: parameterOf("dt_proj.bias"), deltaSoftplus: true };
  }

  /** Absent without selection. */
  get xProj(): Linear | undefined {
    return this.#projection instanceof Linear ? this.#projection : undefined;
  }

  /** x, z [B, L, ED] -> [B, L, ED]. States: [scanState, convInputs]. */
  forward(ops: Ops, x: Tensor, z: Tensor, { state, sequences }: LayerContext): Tensor {
    const [scanState, convInputs] = state ?? [];
    const sequenceIds = sequences?.tensor(ops);
    const { weight, bias, activation } = this.#conv;
    const u = ops.causalConv1d({ x, weight, bias, activation, sequenceIds, state: convInputs }); // [B, L, ED]
    const { delta, B, C } = this.#select(ops, u);
    const A = ops.derived(this.#aLog, "negExp"); // [ED, N]
    return ops.selectiveScan({ u, delta, A, B, C, z, ...this.#scan, sequenceIds, state: scanState });
  }

  /** u [..., ED] -> delta [..., ED], B and C [..., N] */
  #select(ops: Ops, u: Tensor): Selection {
    const { dtRank: R, dState: N } = this.#config;
    const projection = this.#projection;
    const dtBC = projection instanceof Linear ? projection.forward(ops, u) : everywhere(ops, projection, u); // [..., R + 2N]
    let dt = ops.columns(dtBC, 0, R);
    let B = ops.columns(dtBC, R, N);
    let C = ops.columns(dtBC, R + N, N);
    if (this.#innerNorms) {
      dt = this.#innerNorms.dt.forward(ops, dt);
      B = this.#innerNorms.B.forward(ops, B);
      C = this.#innerNorms.C.forward(ops, C);
    }
    return { delta: this.dtProj.forward(ops, dt), B, C };
  }
}

/** The row of x [1, M] at every position of u [..., ED]: [..., M] */
function everywhere(ops: Ops, x: Tensor, u: Tensor): Tensor {
  const positions = u.shape.slice(0, -1);
  return ops.embedding(ops.constant(new Int32Array(elementCount(positions)), positions), x);
}
