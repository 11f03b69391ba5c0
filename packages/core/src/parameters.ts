import type { Shape, Tensor } from "@mamba/kernel";
import { type MambaConfig, type MambaLMConfig, paddedVocabSize, widthMultiplier } from "./config.ts";
import { MambaError } from "./errors.ts";

/** How a parameter starts. */
export type Init =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  /** Uniform in [-bound, bound]. */
  | { readonly kind: "uniform"; readonly bound: number }
  /** `A_log[d, n] = ln(n + 1)`: S4D-real (Mamba paper, section 3.6). */
  | { readonly kind: "aLog" }
  /** Inverse softplus of a delta drawn log-uniformly from [min, max], at least `floor` (Mamba paper, section 3.6). */
  | { readonly kind: "dtBias"; readonly min: number; readonly max: number; readonly floor: number };

/** A parameter with the rules that travel with it. */
export interface ParameterSpec {
  /** As in the Hugging Face checkpoints: `backbone.layers.0.mixer.A_log`. */
  readonly name: string;
  readonly shape: Shape;
  readonly init: Init;
  /** Whether AdamW may decay it. Never `A_log`, `D`, norms and biases. */
  readonly weightDecay: boolean;
  /** Multiplies the learning rate, and divides the decay: 1, or 1/m for hidden matrices under muP. */
  readonly lrScale: number;
  /** True for the large matrices, which may be stored as f16 or bf16. All others are f32 on the device. */
  readonly matrix: boolean;
}

/** Parameters by their full names. */
export type Parameters = ReadonlyMap<string, Tensor>;

/** Parameters of one direction of the selective SSM: all of a block but `in_proj` and `out_proj`. */
function ssmSpecs(config: MambaConfig, rename: (name: string) => string): ParameterSpec[] {
  const { dInner, dState, dConv, dtRank, dtMin, dtMax, dtInitFloor } = config;
  // Also under muP: dtRank, the fan-in, grows with the width.
  const dtBound = dtRank ** -0.5 * config.dtScale;
  const dtInit: Init =
    config.dtInit === "random" ? { kind: "uniform", bound: dtBound } : { kind: "constant", value: dtBound };
  const convBound = dConv ** -0.5;
  const convInit: Init =
    config.mupBaseWidth === undefined
      ? { kind: "uniform", bound: convBound }
      : { kind: "constant", value: 0 };
  const specs = [
    { ...vector("conv1d.weight", [dInner, dConv], convInit), weightDecay: true },
    ...(config.convBias ? [vector("conv1d.bias", [dInner], { kind: "uniform", bound: convBound })] : []),
    config.selective
      ? hidden(config, "x_proj.weight", [dtRank + 2 * dState, dInner])
      : vector("selection.weight", [1, dtRank + 2 * dState], { kind: "normal", std: 1 }),
    { ...hidden(config, "dt_proj.weight", [dInner, dtRank]), init: dtInit },
    vector("dt_proj.bias", [dInner], { kind: "dtBias", min: dtMin, max: dtMax, floor: dtInitFloor }),
    vector("A_log", [dInner, dState], { kind: "aLog" }),
    vector("D", [dInner], { kind: "constant", value: 1 }),
  ];
  return specs.map((spec) => ({ ...spec, name: rename(spec.name) }));
}

/** Parameters of a `MambaBlock`, their names after `prefix`. */
export function blockSpecs(config: MambaConfig, prefix = ""): ParameterSpec[] {
  const { dModel, dInner, dState, dtRank } = config;
  const gain = (name: string, size: number) => vector(name, [size], { kind: "constant", value: 1 });
  const inner =
    config.innerNorms === "jamba" && config.mupBaseWidth === undefined
      ? [
          gain("dt_layernorm.weight", dtRank),
          gain("b_layernorm.weight", dState),
          gain("c_layernorm.weight", dState),
        ]
      : [];
  const outStd = hiddenStd(config) / Math.sqrt(2 * config.nLayers);
  const specs = [
    hidden(config, "in_proj.weight", [2 * dInner, dModel]),
    ...(config.bias ? [vector("in_proj.bias", [2 * dInner], { kind: "constant", value: 0 })] : []),
    ...ssmSpecs(config, (name) => name),
    ...inner,
    {
      ...hidden(config, "out_proj.weight", [dModel, dInner]),
      init: { kind: "normal", std: outStd } as const,
    },
    ...(config.bias ? [vector("out_proj.bias", [dModel], { kind: "constant", value: 0 })] : []),
  ];
  return specs.map((spec) => ({ ...spec, name: prefix + spec.name }));
}

/** Parameters of a `BidirectionalMambaBlock`: those of a block, and the backward direction's own, as Vision Mamba names them. */
export function bidirectionalSpecs(config: MambaConfig, prefix = ""): ParameterSpec[] {
  return [...blockSpecs(config, prefix), ...ssmSpecs(config, (name) => prefix + backwardName(name))];
}

/** `conv1d.weight` -> `conv1d_b.weight`, `A_log` -> `A_b_log`, `D` -> `D_b`. */
export function backwardName(name: string): string {
  if (name === "A_log") return "A_b_log";
  const [head, ...rest] = name.split(".");
  return [`${head}_b`, ...rest].join(".");
}

/** Parameters of a `Mamba` stack, their names after `prefix`. */
export function stackSpecs(config: MambaConfig, prefix = ""): ParameterSpec[] {
  // muP has no norm gains: a gain would learn at a rate of its own as the width grows.
  const norm = (name: string) =>
    config.mupBaseWidth === undefined ? [vector(name, [config.dModel], { kind: "constant", value: 1 })] : [];
  const layers = Array.from({ length: config.nLayers }, (_, i) => [
    ...norm(`${prefix}layers.${i}.norm.weight`),
    ...blockSpecs(config, `${prefix}layers.${i}.mixer.`),
  ]);
  return [...layers.flat(), ...norm(`${prefix}norm_f.weight`)];
}

/** Parameters of a `MambaLM`, in the order in which checkpoints store them. */
export function parameterSpecs(config: MambaLMConfig): ParameterSpec[] {
  const table: Omit<ParameterSpec, "name"> = {
    shape: [paddedVocabSize(config), config.dModel],
    init: { kind: "normal", std: config.initializerRange },
    weightDecay: true,
    lrScale: 1,
    matrix: true,
  };
  const headInit: Init = config.mupBaseWidth === undefined ? table.init : { kind: "constant", value: 0 };
  return [
    { ...table, name: "backbone.embeddings.weight" },
    ...stackSpecs(config, "backbone."),
    ...(config.tieEmbeddings ? [] : [{ ...table, name: "lm_head.weight", init: headInit }]),
  ];
}

/** @throws MambaError `PARAMETER` when `name` is missing. */
export function parameter(parameters: Parameters, name: string): Tensor {
  const tensor = parameters.get(name);
  if (tensor === undefined) throw new MambaError("PARAMETER", `parameter ${name} is missing`);
  return tensor;
}

/**
 * Checks a set of parameters against the specs: all there, nothing more, and every shape right.
 *
 * @throws MambaError `PARAMETER`, naming the parameter, what was expected and what came.
 */
export function checkParameters(parameters: Parameters, specs: readonly ParameterSpec[]): void {
  const known = new Set(specs.map((spec) => spec.name));
  for (const { name, shape } of specs) {
    const found = parameter(parameters, name).shape;
    if (found.length !== shape.length || found.some((extent, i) => extent !== shape[i])) {
      throw new MambaError(
        "PARAMETER",
        `parameter ${name} must be [${shape.join(", ")}], got [${found.join(", ")}]`,
      );
    }
  }
  for (const name of parameters.keys()) {
    if (!known.has(name))
      throw new MambaError("PARAMETER", `parameter ${name} does not belong to this model`);
  }
}

/** Small f32 parameters: biases, norms, the SSM's own. No decay. */
function vector(name: string, shape: Shape, init: Init): ParameterSpec {
  return { name, shape, init, weightDecay: false, lrScale: 1, matrix: false };
}

/** The matrices between hidden activations: decayed, and scaled by the width under muP. */
function hidden(config: MambaConfig, name: string, shape: Shape): ParameterSpec {
  const init: Init = { kind: "normal", std: hiddenStd(config) };
  return { name, shape, init, weightDecay: true, lrScale: 1 / widthMultiplier(config), matrix: true };
}

function hiddenStd(config: MambaConfig): number {
  return config.initializerRange / Math.sqrt(widthMultiplier(config));
}
