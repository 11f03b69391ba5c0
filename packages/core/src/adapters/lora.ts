import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import { checkKeys } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { Linear, LowRankUpdate } from "../layers/linear.ts";
import { mambaLinears } from "../layers/mamba.ts";
import { initialParameters } from "../parameters/initialValues.ts";
import { parameter, type Parameters, type ParameterSpec } from "../parameters/spec.ts";

/** An adapter's shape (LoRA, Hu et al. 2021). */
export interface LoraConfig {
  /** r, the rank of the updates. */
  readonly rank: number;
  /** Updates are scaled by `alpha / rank`. Default `2 * rank`. */
  readonly alpha: number;
  /**
   * Names of the linear layers that are adapted, in every layer that has them: `in_proj`. Default `in_proj`, `x_proj` and
   * `out_proj`, where the model has them.
   */
  readonly targets: readonly string[];
  /** Name or folder of the model that the adapter belongs to, where it is known. */
  readonly base: string | undefined;
}

/** The fields that a caller gives: the rank, and any other field. */
export type LoraConfigInput = Pick<LoraConfig, "rank"> & {
  readonly [K in keyof LoraConfig]?: LoraConfig[K] | undefined;
};

/**
 * Fills in the defaults and checks every field; targets come out in the order of `names`.
 *
 * @param names those of the linear layers of the model, `linearNames(model.linears)`; default: those of Mamba blocks
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveLoraConfig(
  input: LoraConfigInput,
  names: readonly string[] = mambaLinears,
): LoraConfig {
  checkKeys("adapter config", "field", input, ["rank", "alpha", "targets", "base"], "CONFIG");
  const { rank, alpha = 2 * rank, base } = input;
  const targets = input.targets ?? ["in_proj", "x_proj", "out_proj"].filter((name) => names.includes(name));
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
  const known = names.filter((name) => targets.includes(name));
  check(
    "targets",
    known.length > 0 && known.length === targets.length,
    `some of ${names.join(", ")}, each once`,
  );
  return { rank, alpha, targets: known, base };
}

/** `backbone.layers.0.mixer.in_proj.weight` -> `backbone.layers.0.mixer.in_proj` */
export function moduleName(weight: string): string {
  return weight.replace(/\.weight$/, "");
}

/** The last part of a module's name: `in_proj`. */
function linearName(weight: string): string {
  return moduleName(weight).split(".").at(-1) ?? "";
}

/** Names of the linear layers of a model, each once: the possible targets of an adapter. */
export function linearNames(linears: ReadonlyMap<string, Linear>): string[] {
  return [...new Set([...linears.keys()].map(linearName))];
}

/**
 * Parameters of an adapter for the linear layers of a model: `A` [r, I] starts as PyTorch's linear layers do (Kaiming
 * uniform: within ±1/√I), `B` [O, r] at zero, so that an untrained adapter changes nothing. Both decay as other matrices
 * do, which pulls the model back to its own weights. Names are those of the adapted weights with `lora_A.weight` and
 * `lora_B.weight` at their ends.
 */
export function loraSpecs(
  linears: ReadonlyMap<string, Linear>,
  { rank, targets }: Pick<LoraConfig, "rank" | "targets">,
): ParameterSpec[] {
  const rules = { weightDecay: true, lrScale: 1, storage: "f32" } as const;
  return [...linears].flatMap(([name, { weight }]): ParameterSpec[] => {
    if (!targets.includes(linearName(name))) return [];
    const [rows = 0, columns = 0] = weight.shape;
    const { A, B } = factorNames(moduleName(name));
    return [
      { ...rules, name: A, shape: [rank, columns], init: { kind: "uniform", bound: columns ** -0.5 } },
      { ...rules, name: B, shape: [rows, rank], init: { kind: "constant", value: 0 } },
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
    model: { readonly kernel: Kernel; readonly linears: ReadonlyMap<string, Linear> },
    input: LoraConfigInput,
    seed = 0,
  ): LoraAdapter {
    const config = resolveLoraConfig(input, linearNames(model.linears));
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
    const { A, B } = factorNames(module);
    if (!this.parameters.has(A)) return undefined;
    const find = (name: string): Tensor => parameter(this.parameters, name);
    return { A: find(A), B: find(B), scale: this.config.alpha / this.config.rank };
  }

  dispose(): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function factorNames(module: string): { A: string; B: string } {
  return { A: `${module}.lora_A.weight`, B: `${module}.lora_B.weight` };
}
