import type { RotaryPairing, Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { Ops } from "../ops/run/ops.ts";
import {
  hiddenMatrix,
  parameter,
  type Parameters,
  type ParameterSpec,
  smallParameter,
} from "../parameters/spec.ts";
import { check, checkChoice, checkFlag, checkWhole } from "./checkField.ts";
import { Linear } from "./linear.ts";
import type { Fields } from "./mambaConfig.ts";
import { type LayerContext, type Module, type ModuleSpec, type StateSpec } from "./module.ts";
import {
  checkFactor,
  checkFields,
  type ModuleConfigInput,
  residualStd,
  resolveStart,
  type StartConfig,
} from "./moduleConfig.ts";
import { Positions, type RotaryAngles } from "./positions.ts";

/** Rotary position embeddings of the queries and keys (Su et al. 2021). */
export interface RotaryConfig extends RotaryAngles {
  /** The channels of a head that form a pair: "half" i and i + dim / 2, "interleaved" 2i and 2i + 1. Default "half". */
  readonly pairing: RotaryPairing;
}

/** Sizes and rules of an attention layer. */
export interface AttentionConfig extends StartConfig {
  /** Width of the residual stream. */
  readonly dModel: number;
  /** Query heads, Hq. */
  readonly heads: number;
  /** Heads of keys and values, Hkv; divides `heads`. Default `heads`. */
  readonly kvHeads: number;
  /** Channels of each head, Dh. Default `dModel / heads`. */
  readonly headDim: number;
  /** Multiplies the products of queries and keys. Default `headDim ** -0.5`. */
  readonly scale: number;
  /** Default undefined: no positions, as in Granite 4.0-H, Nemotron-H and Jamba. `dim` is `headDim` by default. */
  readonly rotary: RotaryConfig | undefined;
  /** Biases on all four projections. Default false. */
  readonly bias: boolean;
  /** Multiplies the output of the layer. Default 1. */
  readonly outputScale: number;
}

export type AttentionConfigInput = Omit<ModuleConfigInput<AttentionConfig, "dModel" | "heads">, "rotary"> & {
  readonly rotary?: (Pick<RotaryConfig, "theta"> & Fields<RotaryConfig>) | undefined;
};

const fields: Readonly<Record<keyof AttentionConfig, true>> = {
  dModel: true,
  heads: true,
  kvHeads: true,
  headDim: true,
  scale: true,
  rotary: true,
  bias: true,
  outputScale: true,
  initializerRange: true,
  nLayers: true,
};

/**
 * Fills in the defaults of an attention layer and checks every field.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function resolveAttentionConfig(input: AttentionConfigInput): AttentionConfig {
  checkFields("attention", input, Object.keys(fields));
  const { dModel, heads, kvHeads = heads, headDim = dModel / heads } = input;
  checkWhole("dModel", dModel, 1, 2 ** 20);
  checkWhole("heads", heads, 1, 2 ** 16);
  checkWhole("kvHeads", kvHeads, 1, heads);
  check("kvHeads", kvHeads, heads % kvHeads === 0, `a divisor of heads, ${heads}`);
  checkWhole("headDim", headDim, 1, 2 ** 16);
  const { scale = headDim ** -0.5, bias = false, outputScale = 1 } = input;
  checkFactor("scale", scale);
  checkFlag("bias", bias);
  checkFactor("outputScale", outputScale);
  const rotary = resolveRotary(input.rotary, headDim);
  return { dModel, heads, kvHeads, headDim, scale, rotary, bias, outputScale, ...resolveStart(input) };
}

function resolveRotary(input: AttentionConfigInput["rotary"], headDim: number): RotaryConfig | undefined {
  if (input === undefined) return undefined;
  checkFields("attention rotary", input, ["dim", "theta", "pairing"]);
  const { dim = headDim, theta, pairing = "half" } = input;
  checkWhole("rotary.dim", dim, 2, headDim);
  check("rotary.dim", dim, dim % 2 === 0, "an even number");
  check("rotary.theta", theta, Number.isFinite(theta) && theta > 0, "a number above 0");
  checkChoice("rotary.pairing", pairing, ["half", "interleaved"]);
  return { dim, theta, pairing };
}

/**
 * Causal attention with grouped queries as a mixer (Vaswani et al. 2017, Ainslie et al. 2023), with or without rotary positions.
 * Its state grows with the number of positions: their keys and values.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value
 */
export function attention(input: AttentionConfigInput): ModuleSpec<AttentionLayer> {
  const config = resolveAttentionConfig(input);
  return {
    kind: "attention",
    config,
    parameters: (prefix) => attentionParameters(config, prefix),
    state: attentionState(config),
    build: (parameters, prefix) => new AttentionLayer(config, parameters, prefix),
  };
}

/** Keys and values of the positions so far, keys after their rotation. */
function attentionState({ kvHeads, headDim }: AttentionConfig): StateSpec[] {
  const shape: StateSpec["shape"] = (batch, capacity) => [batch, capacity, kvHeads * headDim];
  return [
    { name: "keys", shape, grows: true },
    { name: "values", shape, grows: true },
  ];
}

/** Rows and columns of the projections, in the order in which checkpoints store them. */
const projections = ({ dModel, heads, kvHeads, headDim }: AttentionConfig) =>
  ({
    q_proj: [heads * headDim, dModel],
    k_proj: [kvHeads * headDim, dModel],
    v_proj: [kvHeads * headDim, dModel],
    o_proj: [dModel, heads * headDim],
  }) as const;

/** Parameters of an attention layer, their names after `prefix`. */
export function attentionParameters(config: AttentionConfig, prefix = ""): ParameterSpec[] {
  return Object.entries(projections(config)).flatMap(([name, shape]) => {
    const std = name === "o_proj" ? residualStd(config) : config.initializerRange;
    return [
      hiddenMatrix(`${prefix}${name}.weight`, shape, { kind: "normal", std }),
      ...(config.bias
        ? [smallParameter(`${prefix}${name}.bias`, [shape[0]], { kind: "constant", value: 0 })]
        : []),
    ];
  });
}

/** An attention layer over borrowed parameters. */
export class AttentionLayer implements Module {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #config: AttentionConfig;
  readonly #q: Linear;
  readonly #k: Linear;
  readonly #v: Linear;
  readonly #o: Linear;

  /** Borrows the parameters of `attentionParameters(config, prefix)`. */
  constructor(config: AttentionConfig, parameters: Parameters, prefix = "") {
    const linear = (name: string) =>
      new Linear(
        parameter(parameters, `${prefix}${name}.weight`),
        config.bias ? parameter(parameters, `${prefix}${name}.bias`) : undefined,
      );
    this.#config = config;
    this.#q = linear("q_proj");
    this.#k = linear("k_proj");
    this.#v = linear("v_proj");
    this.#o = linear("o_proj");
    const linears = { q_proj: this.#q, k_proj: this.#k, v_proj: this.#v, o_proj: this.#o };
    this.linears = new Map(
      Object.entries(linears).map(([name, layer]) => [`${prefix}${name}.weight`, layer]),
    );
  }

  /**
   * x [B, L, D] -> [B, L, D]. With a state and its positions, `forward(L)` equals `forward(k)` then `forward(L - k)`.
   *
   * @throws MambaError `UNSUPPORTED` for a state with `sequences`, or on a tape that tracks the input or a parameter; `CACHE` for a
   * state without positions
   */
  forward(ops: Ops, x: Tensor, context: LayerContext = {}): Tensor {
    const { heads, kvHeads, scale, outputScale } = this.#config;
    const { sequences, state: [keys, values] = [] } = context;
    const positions = positionsOf(x, context);
    const q = this.#rotate(ops, this.#q.forward(ops, x), heads, positions);
    const k = this.#rotate(ops, this.#k.forward(ops, x), kvHeads, positions);
    const v = this.#v.forward(ops, x);
    const cache = keys && values && { keys, values, lengths: positions.lengthsTensor(ops) };
    const y = ops.attention({ q, k, v, heads, kvHeads, scale, sequenceIds: sequences?.tensor(ops), cache });
    const out = this.#o.forward(ops, y);
    return outputScale === 1 ? out : ops.scale(out, outputScale);
  }

  #rotate(ops: Ops, x: Tensor, heads: number, positions: Positions): Tensor {
    const { rotary } = this.#config;
    if (rotary === undefined) return x;
    return ops.rotary({ x, angles: positions.angles(ops, rotary), heads, pairing: rotary.pairing });
  }
}

/** @throws MambaError `CACHE` for a state without positions */
function positionsOf({ shape: [batch = 0, length = 0] }: Tensor, context: LayerContext): Positions {
  const { positions, state, sequences } = context;
  if (positions) return positions;
  if (state)
    throw new MambaError("CACHE", "attention: a state needs positions, the number of those that it holds");
  return new Positions(batch, length, { sequences });
}
