import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import { checkKeys } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import { Embedding } from "../layers/embedding.ts";
import { type AnyLinear, ExpertLinear } from "../layers/expertLinear.ts";
import type { LowRankUpdate } from "../layers/linear.ts";
import { mambaLinears } from "../layers/mamba.ts";
import { initialParameters } from "../parameters/initialValues.ts";
import { parameter, type Parameters, type ParameterSpec } from "../parameters/spec.ts";

/** An adapter's shape (LoRA, Hu et al. 2021). */
export interface LoraConfig {
  /** r, the rank of the updates. */
  readonly rank: number;
  /** Updates are scaled by `alpha / rank`. Default `2 * rank`. */
  readonly alpha: number;
  /** Scale updates by `alpha / √rank` instead (rank-stabilized LoRA, Kalajdzievski 2023). Default false. */
  readonly rankStabilized: boolean;
  /**
   * Names of the layers that are adapted: `in_proj` means every layer of that name, `layers.3.mixer.in_proj` or the full name
   * means one. `embeddings` is the table and `lm_head` the head. Default `in_proj`, `x_proj`, `x_proj_b` (of the backward
   * direction), `out_proj`, and `q_proj`, `k_proj`, `v_proj` and `o_proj` of attention, where the model has them.
   */
  readonly targets: readonly string[];
  /** Name or folder of the model that the adapter belongs to, where it is known. */
  readonly base: string | undefined;
}

const defaultTargets = [
  ...["in_proj", "x_proj", "out_proj", "x_proj_b"],
  ...["q_proj", "k_proj", "v_proj", "o_proj"],
];

/** The fields that a caller gives: the rank, and any other field. */
export type LoraConfigInput = Pick<LoraConfig, "rank"> & {
  readonly [K in keyof LoraConfig]?: LoraConfig[K] | undefined;
};

/**
 * Fills in the defaults and checks every field; targets come out in the order of the model's layers.
 *
 * @param modules names of the layers that can be adapted, as `linearNames(model.linears)` or in full; default: those of Mamba
 * blocks
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveLoraConfig(
  input: LoraConfigInput,
  modules: readonly string[] = mambaLinears,
): LoraConfig {
  checkKeys(
    "adapter config",
    "field",
    input,
    ["rank", "alpha", "rankStabilized", "targets", "base"],
    "CONFIG",
  );
  const { rank, alpha = 2 * rank, rankStabilized = false, base } = input;
  const firstOf = (target: string) => modules.findIndex((module) => isTarget(module, target));
  const targets = input.targets ?? defaultTargets.filter((name) => firstOf(name) !== -1);
  const check = (field: keyof LoraConfig, holds: boolean, rule: string) => {
    if (holds) return;
    throw new MambaError("CONFIG", `adapter field ${field} must be ${rule}, got ${String(input[field])}`);
  };
  check(
    "rank",
    Number.isInteger(rank) && rank >= 1 && rank <= 2 ** 16,
    `a whole number from 1 to ${2 ** 16}`,
  );
  check(
    "alpha",
    typeof alpha === "number" && alpha > 0 && alpha <= 1e6,
    "a number above 0 and at most 1000000",
  );
  check("rankStabilized", typeof rankStabilized === "boolean", "true or false");
  const names = [...new Set(modules.map((module) => module.split(".").at(-1) ?? ""))];
  check(
    "targets",
    targets.length > 0 &&
      new Set(targets).size === targets.length &&
      targets.every((target) => firstOf(target) !== -1),
    `some of ${names.join(", ")}, each once`,
  );
  const inOrder = [...targets].sort((a, b) => firstOf(a) - firstOf(b));
  const config = { rank, alpha, rankStabilized, targets: inOrder, base };
  return config;
}

/** True when `target` names the module: its whole name, or the last components of it. */
function isTarget(module: string, target: string): boolean {
  return module === target || module.endsWith(`.${target}`);
}

/** `backbone.layers.0.mixer.in_proj.weight` -> `backbone.layers.0.mixer.in_proj` */
export function moduleName(weight: string): string {
  return weight.replace(/\.weight$/, "");
}

/** The last component of a module's name: `in_proj`. */
function linearName(weight: string): string {
  return moduleName(weight).split(".").at(-1) ?? "";
}

/** The layers that an adapter can adapt, by the full name of their weight. */
export type Adaptable = ReadonlyMap<string, AnyLinear | Embedding>;

/** Names of the linear layers of a model, each once: the possible targets of an adapter. */
export function linearNames(linears: Adaptable): string[] {
  return [...new Set([...linears.keys()].map(linearName))];
}

/**
 * Parameters of an adapter for the layers of a model, named like the adapted weights with `lora_A.weight` and `lora_B.weight`
 * at their ends: `A` [r, I] starts as PyTorch's linear layers do (Kaiming uniform: within ±1/√I), `B` [O, r] at zero. For an
 * embedding they are `lora_embedding_A`, a table [V, r] at zero, and `lora_embedding_B` [D, r], normal. The matrices of experts [E, O, I] have
 * a pair for each expert: `A` [E, r, I] and `B` [E, O, r]. So an untrained
 * adapter changes nothing. All decay as other matrices do, which pulls the model back to its own weights.
 */
export function loraSpecs(
  linears: Adaptable,
  { rank, targets }: Pick<LoraConfig, "rank" | "targets">,
): ParameterSpec[] {
  const rules = { weightDecay: true, lrScale: 1, storage: "f32" } as const;
  return [...linears].flatMap(([name, layer]): ParameterSpec[] => {
    const module = moduleName(name);
    if (!targets.some((target) => isTarget(module, target))) return [];
    const { A, B } = factorNames(module, layer instanceof Embedding);
    const experts = layer instanceof ExpertLinear ? layer.weight.shape.slice(0, 1) : [];
    const [rows = 0, columns = 0] = layer.weight.shape.slice(experts.length);
    if (layer instanceof Embedding) {
      return [
        { ...rules, name: A, shape: [rows, rank], init: { kind: "constant", value: 0 } },
        { ...rules, name: B, shape: [columns, rank], init: { kind: "normal", std: 1 } },
      ];
    }
    return [
      {
        ...rules,
        name: A,
        shape: [...experts, rank, columns],
        init: { kind: "uniform", bound: columns ** -0.5 },
      },
      { ...rules, name: B, shape: [...experts, rows, rank], init: { kind: "constant", value: 0 } },
    ];
  });
}

/** Low-rank updates for the linear layers of a model; used while the adapter is attached to it. */
export class LoraAdapter implements Disposable {
  readonly config: LoraConfig;
  readonly parameters: Parameters;

  /** Takes ownership of `parameters`, f32, named and shaped as `loraSpecs` says for the model. */
  constructor(config: LoraConfig, parameters: Parameters) {
    this.config = config;
    this.parameters = parameters;
  }

  /**
   * An untrained adapter, which changes nothing yet. Equal seeds give equal values.
   *
   * @throws MambaError `CONFIG`; KernelError `OUT_OF_MEMORY`.
   */
  static init(
    model: { readonly kernel: Kernel; readonly linears: Adaptable },
    input: LoraConfigInput,
    seed = 0,
  ): LoraAdapter {
    const config = resolveLoraConfig(input, [...model.linears.keys()].map(moduleName));
    using scope = new Scope();
    const parameters = initialParameters(model.kernel, loraSpecs(model.linears, config), seed, scope);
    for (const tensor of parameters.values()) scope.release(tensor);
    return new LoraAdapter(config, parameters);
  }

  /**
   * The update of a layer's weight; undefined for layers that are not adapted.
   *
   * @param module such as `backbone.layers.0.mixer.in_proj`
   */
  updateOf(module: string): LowRankUpdate | undefined {
    const { A, B } = factorNames(module, this.isEmbedding(module));
    if (!this.parameters.has(A)) return undefined;
    const find = (name: string): Tensor => parameter(this.parameters, name);
    const { rank, alpha, rankStabilized } = this.config;
    return { A: find(A), B: find(B), scale: alpha / (rankStabilized ? Math.sqrt(rank) : rank) };
  }

  /** True when the adapter updates the module as an embedding (see `Embedding`). */
  isEmbedding(module: string): boolean {
    return this.parameters.has(factorNames(module, true).A);
  }

  dispose(): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function factorNames(module: string, isEmbedding: boolean): { A: string; B: string } {
  return isEmbedding
    ? { A: `${module}.lora_embedding_A`, B: `${module}.lora_embedding_B` }
    : { A: `${module}.lora_A.weight`, B: `${module}.lora_B.weight` };
}
