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
import {
  blockConfig,
  hasInnerGains,
  hiddenStd,
  type MambaConfig,
  type MambaConfigInput,
  parametrization,
  resolveConfig,
} from "./mambaConfig.ts";
import {
  type LayerContext,
  type ModuleSpec,
  type RecurrentModule,
  type StateSpec,
  stepOf,
} from "./module.ts";
import { SelectiveSSM, ssmParameters } from "./selectiveSsm.ts";

// The Mamba block (Gu & Dao 2023, arXiv:2312.00752, figure 3), with the paper's names:
//
//   B        batch                          L    length of the sequence
//   D        dModel, the width of the residual stream
//   ED       dInner = expand · D, the channels inside the block
//   N        dState, the size of the state of each channel
//   R        dtRank, the rank of the projection of delta
//   W        dConv, the width of the convolution
//
//   x        [B, L, D]    the input of the block
//   xz       [B, L, 2·ED] in_proj(x): the branch of the SSM, and z, the gate
//   u        [B, L, ED]   silu(conv1d(x-branch)): the input of the SSM
//   delta    [B, L, ED]   the step size of each channel at each position: how much of u enters the state
//   A        [ED, N]      -exp(A_log): how fast the state decays
//   B, C     [B, L, N]    what enters the state and what is read from it; delta, B and C depend on u: the selection
//   h        [B, ED, N]   the state: h[l] = exp(delta·A) · h[l-1] + delta·B·u
//   y        [B, L, ED]   (C·h + D·u) · silu(z), where D [ED] is the skip connection
//
//               ┌─ conv1d ─ silu ─ SSM ─┐
//   x ─ in_proj ┤                       × ─ out_proj
//               └────────── silu ───────┘

/** Names of the linear layers of a block; without selection there is no `x_proj`. */
export const mambaLinears = ["in_proj", "x_proj", "dt_proj", "out_proj"] as const;

/**
 * A Mamba block as a mixer.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function mamba(input: MambaConfigInput): ModuleSpec<MambaBlock> {
  const config = resolveConfig(input);
  return {
    kind: "mamba",
    config: blockConfig(config),
    parameters: (prefix) => mambaParameters(config, prefix),
    state: mambaState(config),
    build: (parameters, prefix) => new MambaBlock(config, parameters, prefix),
  };
}

/** The state of a block: (h, the last W-1 inputs of the convolution), of constant size for any number of tokens. */
function mambaState({ dInner, dState, dConv }: MambaConfig): StateSpec[] {
  return [
    { name: "scanState", shape: (batch) => [batch, dInner, dState] },
    { name: "convInputs", shape: (batch) => [batch, dInner, dConv - 1] }, // oldest first
  ];
}

/** Parameters of a block, their names after `prefix`. */
export function mambaParameters(config: MambaConfig, prefix = ""): ParameterSpec[] {
  const { dModel, dInner, dState, dtRank } = config;
  const gain = (name: string, size: number) => smallParameter(name, [size], { kind: "constant", value: 1 });
  const bias = (name: string, size: number) =>
    config.bias ? [smallParameter(name, [size], { kind: "constant", value: 0 })] : [];
  const innerNorms = hasInnerGains(config)
    ? [
        gain("dt_layernorm.weight", dtRank),
        gain("b_layernorm.weight", dState),
        gain("c_layernorm.weight", dState),
      ]
    : [];
  const { widthMultiplier } = parametrization(config);
  const std = hiddenStd(config);
  const outStd = std / Math.sqrt(2 * config.nLayers); // GPT-2's rule for what is added to the residual stream
  const specs = [
    hiddenMatrix("in_proj.weight", [2 * dInner, dModel], { kind: "normal", std }, widthMultiplier),
    ...bias("in_proj.bias", 2 * dInner),
    ...ssmParameters(config),
    ...innerNorms,
    hiddenMatrix("out_proj.weight", [dModel, dInner], { kind: "normal", std: outStd }, widthMultiplier),
    ...bias("out_proj.bias", dModel),
  ];
  return specs.map((spec) => ({ ...spec, name: prefix + spec.name }));
}

/** A Mamba block over borrowed parameters. */
export class MambaBlock implements RecurrentModule {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #dInner: number;
  readonly #inProj: Linear;
  readonly #ssm: SelectiveSSM;
  readonly #outProj: Linear;

  /** Borrows the parameters of `mambaParameters(config, prefix)`. */
  constructor(config: MambaConfig, parameters: Parameters, prefix = "") {
    this.#dInner = config.dInner;
    this.#inProj = projection(config, parameters, `${prefix}in_proj`);
    this.#outProj = projection(config, parameters, `${prefix}out_proj`);
    this.#ssm = new SelectiveSSM(config, (name) => parameter(parameters, prefix + name));
    const { xProj, dtProj } = this.#ssm;
    this.linears = new Map([
      [`${prefix}in_proj.weight`, this.#inProj],
      ...(xProj ? [[`${prefix}x_proj.weight`, xProj] as const] : []),
      [`${prefix}dt_proj.weight`, dtProj],
      [`${prefix}out_proj.weight`, this.#outProj],
    ]);
  }

  /** x [B, L, D] -> [B, L, D]. With a state, `forward(L)` equals `forward(k)` then `forward(L - k)`. */
  forward(ops: Ops, x: Tensor, context: LayerContext = {}): Tensor {
    const xz = this.#inProj.forward(ops, x); // [B, L, 2·ED]
    const u = ops.columns(xz, 0, this.#dInner); // [B, L, ED]
    const z = ops.columns(xz, this.#dInner, this.#dInner); // [B, L, ED]
    const y = this.#ssm.forward(ops, u, z, context); // [B, L, ED]
    return this.#outProj.forward(ops, y); // [B, L, D]
  }

  step(ops: Ops, x: Tensor, state: readonly Tensor[]): Tensor {
    return stepOf(this, ops, x, state);
  }
}

/** `in_proj` or `out_proj`, with its bias if the config has one. */
export function projection({ bias }: MambaConfig, parameters: Parameters, name: string): Linear {
  return new Linear(
    parameter(parameters, `${name}.weight`),
    bias ? parameter(parameters, `${name}.bias`) : undefined,
  );
}
