import type { Tensor } from "@mamba/kernel";
import type { Ops } from "../ops/run/ops.ts";
import {
  hiddenMatrix,
  parameter,
  type Parameters,
  type ParameterSpec,
  smallParameter,
} from "../parameters/spec.ts";
import { checkChoice, checkFlag, checkWhole } from "./checkField.ts";
import { Linear } from "./linear.ts";
import type { Module, ModuleSpec } from "./module.ts";
import {
  checkFactor,
  checkFields,
  type ModuleConfigInput,
  residualStd,
  resolveStart,
  type StartConfig,
} from "./moduleConfig.ts";

const activations = ["silu", "gelu", "geluTanh", "relu2"] as const;

/** "gelu" is exact, "geluTanh" its approximation by tanh, "relu2" `max(x, 0)²`. */
export type Activation = (typeof activations)[number];

/** Sizes and rules of an MLP with one hidden layer. */
export interface MlpConfig extends StartConfig {
  /** Width of the residual stream. */
  readonly dModel: number;
  /** Width of the hidden layer, I. */
  readonly dHidden: number;
  /** Default "silu". */
  readonly activation: Activation;
  /** True for `down(act(gate(x)) · up(x))`, false for `down(act(up(x)))`. Default true. */
  readonly gated: boolean;
  /** Biases on all projections. Default false. */
  readonly bias: boolean;
  /** Multiplies the output of `gate_proj`, before the activation. Default 1. */
  readonly gateScale: number;
  /** Multiplies the output of the MLP. Default 1. */
  readonly outputScale: number;
}

export type MlpConfigInput = ModuleConfigInput<MlpConfig, "dModel" | "dHidden">;

const fields: Readonly<Record<keyof MlpConfig, true>> = {
  dModel: true,
  dHidden: true,
  activation: true,
  gated: true,
  bias: true,
  gateScale: true,
  outputScale: true,
  initializerRange: true,
  nLayers: true,
};

/** @throws MambaError `CONFIG` unless the value is the name of an activation */
export function checkActivation(activation: unknown): void {
  checkChoice("activation", activation, activations);
}

/**
 * Fills in the defaults of an MLP and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function resolveMlpConfig(input: MlpConfigInput): MlpConfig {
  checkFields("mlp", input, Object.keys(fields));
  const { dModel, dHidden, activation = "silu", gated = true, bias = false } = input;
  const { gateScale = 1, outputScale = 1 } = input;
  checkWhole("dModel", dModel, 1, 2 ** 20);
  checkWhole("dHidden", dHidden, 1, 2 ** 24);
  checkActivation(activation);
  checkFlag("gated", gated);
  checkFlag("bias", bias);
  checkFactor("gateScale", gateScale);
  checkFactor("outputScale", outputScale);
  return { dModel, dHidden, activation, gated, bias, gateScale, outputScale, ...resolveStart(input) };
}

/**
 * An MLP as a feed-forward network: SwiGLU by default (Shazeer 2020), or without a gate.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function mlp(input: MlpConfigInput): ModuleSpec<Mlp> {
  const config = resolveMlpConfig(input);
  return {
    kind: "mlp",
    config,
    parameters: (prefix) => mlpParameters(config, prefix),
    state: [],
    build: (parameters, prefix) => new Mlp(config, parameters, prefix),
  };
}

/** Parameters of an MLP, their names after `prefix`: `gate_proj` (gated), `up_proj` and `down_proj`. */
export function mlpParameters(config: MlpConfig, prefix = ""): ParameterSpec[] {
  const { dModel, dHidden, gated, bias, initializerRange } = config;
  const linear = (name: string, rows: number, columns: number, std = initializerRange) => [
    hiddenMatrix(`${prefix}${name}.weight`, [rows, columns], { kind: "normal", std }),
    ...(bias ? [smallParameter(`${prefix}${name}.bias`, [rows], { kind: "constant", value: 0 })] : []),
  ];
  return [
    ...(gated ? linear("gate_proj", dHidden, dModel) : []),
    ...linear("up_proj", dHidden, dModel),
    ...linear("down_proj", dModel, dHidden, residualStd(config)),
  ];
}

/** An MLP over borrowed parameters. */
export class Mlp implements Module {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #config: MlpConfig;
  readonly #gate: Linear | undefined;
  readonly #up: Linear;
  readonly #down: Linear;

  /** Borrows the parameters of `mlpParameters(config, prefix)`. */
  constructor(config: MlpConfig, parameters: Parameters, prefix = "") {
    const linear = (name: string) =>
      new Linear(
        parameter(parameters, `${prefix}${name}.weight`),
        config.bias ? parameter(parameters, `${prefix}${name}.bias`) : undefined,
      );
    this.#config = config;
    this.#gate = config.gated ? linear("gate_proj") : undefined;
    this.#up = linear("up_proj");
    this.#down = linear("down_proj");
    this.linears = new Map([
      ...(this.#gate ? [[`${prefix}gate_proj.weight`, this.#gate] as const] : []),
      [`${prefix}up_proj.weight`, this.#up],
      [`${prefix}down_proj.weight`, this.#down],
    ]);
  }

  /** x [..., D] -> [..., D] */
  forward(ops: Ops, x: Tensor): Tensor {
    const { gateScale, outputScale } = this.#config;
    let gate = this.#gate?.forward(ops, x);
    if (gate && gateScale !== 1) gate = ops.scale(gate, gateScale);
    const hidden = activated(ops, this.#config.activation, gate, this.#up.forward(ops, x));
    const out = this.#down.forward(ops, hidden);
    return outputScale === 1 ? out : ops.scale(out, outputScale);
  }
}

/** `act(gate) · up`, or `act(up)` without a gate. */
export function activated(ops: Ops, activation: Activation, gate: Tensor | undefined, up: Tensor): Tensor {
  return gate ? ops.mul(activate(ops, activation, gate), up) : activate(ops, activation, up);
}

function activate(ops: Ops, activation: Activation, x: Tensor): Tensor {
  switch (activation) {
    case "silu":
      return ops.silu(x);
    case "gelu":
      return ops.gelu(x);
    case "geluTanh":
      return ops.gelu(x, "tanh");
    case "relu2":
      return ops.reluSquared(x);
    default:
      return activation satisfies never;
  }
}
