import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import {
  hiddenMatrix,
  parameter,
  type Parameters,
  type ParameterSpec,
  smallParameter,
} from "../parameters/spec.ts";
import { Linear } from "./linear.ts";
import { type Mamba2Config, type Mamba2ConfigInput, resolveMamba2Config } from "./mamba2Config.ts";
import {
  type LayerContext,
  type ModuleSpec,
  type RecurrentModule,
  type StateSpec,
  stepOf,
} from "./module.ts";
import { residualStd } from "./moduleConfig.ts";

// The Mamba-2 block (Dao & Gu 2024, arXiv:2405.21060, figure 6; the parallel form), with these names:
//
//   B        batch                          L    length of the sequence
//   D        dModel                         DI   dInner = H · P, the channels inside the block
//   H        heads                          P    headDim, the channels of each head
//   G        groups: head h reads B and C of group floor(h / (H / G))
//   N        dState                         W    dConv
//
//   x        [B, L, D]              the input of the block
//   zxBCdt   [B, L, 2·DI+2·G·N+H]   in_proj(x), the columns z | x | B | C | dt
//   xBC      [B, L, DI+2·G·N]       silu(conv1d(x | B | C))
//   delta    [B, L, H]              clamp(softplus(dt + dt_bias)), one number for each head
//   A        [H]                    -exp(A_log), one number for each head
//   S        [B, H, P, N]           the state: S[l] = exp(delta·A) · S[l-1] + delta · x ⊗ B
//   y        [B, L, DI]             S·C + D·x, then with z: see `norm` in `Mamba2Config`
//
//               ┌─ z ──────────────────────────┐
//   x ─ in_proj ┼─ x|B|C ─ conv1d ─ silu ─ SSD ─ gate, norm ─ out_proj
//               └─ dt ─ softplus ────────┘

/**
 * A Mamba-2 block as a mixer, with the parameter names of state-spaces' and Hugging Face's checkpoints.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function mamba2(input: Mamba2ConfigInput): ModuleSpec<Mamba2Block> {
  const config = resolveMamba2Config(input);
  return {
    kind: "mamba2",
    config,
    parameters: (prefix) => mamba2Parameters(config, prefix),
    state: mamba2State(config),
    build: (parameters, prefix) => new Mamba2Block(config, parameters, prefix),
  };
}

/** Columns of the convolution: x, B and C. */
const convWidth = ({ dInner, groups, dState }: Mamba2Config) => dInner + 2 * groups * dState;

/** The state of a block: (S, the last W-1 inputs of the convolution), of constant size for any number of tokens. */
function mamba2State(config: Mamba2Config): StateSpec[] {
  const { heads, headDim, dState, dConv } = config;
  return [
    { name: "scanState", shape: (batch) => [batch, heads, headDim, dState] },
    { name: "convInputs", shape: (batch) => [batch, convWidth(config), dConv - 1] }, // oldest first
  ];
}

/**
 * Parameters of a block, their names after `prefix`. They start as those of the reference implementation do: A uniformly in
 * `aInitRange`, `dt_bias` at the inverse softplus of a delta drawn log-uniformly from [dtMin, dtMax], D and the norm at 1.
 */
export function mamba2Parameters(config: Mamba2Config, prefix = ""): ParameterSpec[] {
  const { dModel, dInner, heads, dConv, dtMin, dtMax, dtInitFloor, initializerRange: std } = config;
  const [min, max] = config.aInitRange;
  const ones = (name: string, size: number) => smallParameter(name, [size], { kind: "constant", value: 1 });
  const bias = (given: boolean, name: string, size: number) =>
    given ? [smallParameter(name, [size], { kind: "constant", value: 0 })] : [];
  const channels = convWidth(config);
  const rows = dInner + channels + heads;
  const uniform = { kind: "uniform", bound: dConv ** -0.5 } as const; // PyTorch's Conv1d
  const dtInit = { kind: "dtBias", min: dtMin, max: dtMax, floor: dtInitFloor } as const;
  const specs = [
    hiddenMatrix("in_proj.weight", [rows, dModel], { kind: "normal", std }),
    ...bias(config.bias, "in_proj.bias", rows),
    { ...smallParameter("conv1d.weight", [channels, dConv], uniform), weightDecay: true },
    ...(config.convBias ? [smallParameter("conv1d.bias", [channels], uniform)] : []),
    smallParameter("dt_bias", [heads], dtInit),
    smallParameter("A_log", [heads], { kind: "logUniform", min, max }),
    ones("D", heads),
    ...(config.norm === "none" ? [] : [ones("norm.weight", dInner)]),
    hiddenMatrix("out_proj.weight", [dModel, dInner], { kind: "normal", std: residualStd(config) }),
    ...bias(config.outBias, "out_proj.bias", dModel),
  ];
  return specs.map((spec) => ({ ...spec, name: prefix + spec.name }));
}

/** A Mamba-2 block over borrowed parameters. */
export class Mamba2Block implements RecurrentModule {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #config: Mamba2Config;
  readonly #inProj: Linear;
  readonly #outProj: Linear;
  /** A factor for each column of `in_proj`'s output; undefined when all are 1. */
  readonly #columnScales: Float32Array | undefined;
  readonly #conv: { readonly weight: Tensor; readonly bias: Tensor | undefined; readonly activation: "silu" };
  readonly #dtBias: Tensor;
  readonly #aLog: Tensor;
  readonly #D: Tensor;
  readonly #norm: Tensor | undefined;

  /** Borrows the parameters of `mamba2Parameters(config, prefix)`. */
  constructor(config: Mamba2Config, parameters: Parameters, prefix = "") {
    const find = (name: string) => parameter(parameters, prefix + name);
    this.#config = config;
    this.#inProj = new Linear(find("in_proj.weight"), config.bias ? find("in_proj.bias") : undefined);
    this.#outProj = new Linear(find("out_proj.weight"), config.outBias ? find("out_proj.bias") : undefined);
    this.#columnScales = columnScales(config);
    this.#conv = {
      weight: find("conv1d.weight"),
      bias: config.convBias ? find("conv1d.bias") : undefined,
      activation: "silu",
    };
    this.#dtBias = find("dt_bias");
    this.#aLog = find("A_log");
    this.#D = find("D");
    this.#norm = config.norm === "none" ? undefined : find("norm.weight");
    this.linears = new Map([
      [`${prefix}in_proj.weight`, this.#inProj],
      [`${prefix}out_proj.weight`, this.#outProj],
    ]);
  }

  /** x [B, L, D] -> [B, L, D]. With a state, `forward(L)` equals `forward(k)` then `forward(L - k)`. */
  forward(ops: Ops, x: Tensor, { state, sequences }: LayerContext = {}): Tensor {
    const { dInner, heads, outputScale } = this.#config;
    const [scanState, convInputs] = state ?? [];
    const sequenceIds = sequences?.tensor(ops);
    const channels = convWidth(this.#config);
    const zxBCdt = this.#project(ops, x);
    const z = ops.columns(zxBCdt, 0, dInner);
    const raw = ops.columns(zxBCdt, dInner, channels);
    const xBC = ops.causalConv1d({ x: raw, ...this.#conv, sequenceIds, state: convInputs });
    const dt = ops.columns(zxBCdt, dInner + channels, heads);
    const y = this.#scan(ops, xBC, dt, sequenceIds, scanState);
    const out = this.#outProj.forward(ops, this.#gate(ops, y, z));
    return outputScale === 1 ? out : ops.scale(out, outputScale);
  }

  step(ops: Ops, x: Tensor, state: readonly Tensor[]): Tensor {
    return stepOf(this, ops, x, state);
  }

  #project(ops: Ops, x: Tensor): Tensor {
    const projected = this.#inProj.forward(ops, x);
    const scales = this.#columnScales;
    return scales ? ops.mul(projected, ops.moduleConstant(scales, [scales.length])) : projected;
  }

  /** xBC [B, L, DI+2·G·N], dt [B, L, H] -> [B, L, DI] */
  #scan(
    ops: Ops,
    xBC: Tensor,
    dt: Tensor,
    sequenceIds: Tensor | undefined,
    state: Tensor | undefined,
  ): Tensor {
    const { dInner, dState, heads, groups, dtLimit } = this.#config;
    const [min, max] = dtLimit;
    const A = ops.derived(this.#aLog, "negExp"); // [H]
    const steps = ops.discretize({ dt, bias: this.#dtBias, A, min, max }); // [B, L, 2·H]
    return ops.ssdScan({
      x: ops.columns(xBC, 0, dInner),
      B: ops.columns(xBC, dInner, groups * dState),
      C: ops.columns(xBC, dInner + groups * dState, groups * dState),
      weight: ops.columns(steps, 0, heads),
      logDecay: ops.columns(steps, heads, heads),
      D: this.#D,
      heads,
      groups,
      sequenceIds,
      state,
    });
  }

  /** y, z [B, L, DI] -> [B, L, DI] */
  #gate(ops: Ops, y: Tensor, z: Tensor): Tensor {
    if (this.#norm === undefined) return ops.mul(y, ops.silu(z));
    const { norm, normEps: eps, groups } = this.#config;
    return ops.gatedRmsNorm({
      x: y,
      z,
      weight: this.#norm,
      eps,
      groups,
      normBeforeGate: norm === "normFirst",
    });
  }
}

function columnScales(config: Mamba2Config): Float32Array | undefined {
  const { dInner, groups, dState, heads } = config;
  const { z, x, B, C, dt } = config.scales;
  if ([z, x, B, C, dt].every((scale) => scale === 1)) return undefined;
  const width = groups * dState;
  const parts = [
    [z, dInner],
    [x, dInner],
    [B, width],
    [C, width],
    [dt, heads],
  ] as const;
  return Float32Array.from(parts.flatMap(([scale, count]) => Array.from({ length: count }, () => scale)));
}
