import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import type { MambaLMConfig } from "./config.ts";
import { MambaError } from "./errors.ts";
import type { LowRankUpdate } from "./linear.ts";
import { parameter, type Parameters, type ParameterSpec, parameterSpecs } from "./parameters.ts";
import { initialParameters } from "./random.ts";

/** The linear layers of a block that can have an adapter. */
export const loraTargets = ["in_proj", "x_proj", "dt_proj", "out_proj"] as const;
export type LoraTarget = (typeof loraTargets)[number];

/** An adapter's shape (LoRA, Hu et al. 2021). */
export interface LoraConfig {
  /** r, the rank of the updates. */
  readonly rank: number;
  /** Updates are scaled by `alpha / rank`. Default `2 * rank`. */
  readonly alpha: number;
  /** The layers of each block that are adapted. Default `in_proj`, `x_proj` and `out_proj`. */
  readonly targets: readonly LoraTarget[];
  /** Name or folder of the model that the adapter belongs to, where it is known. */
  readonly base: string | undefined;
}

/** What a caller gives: the rank, and any other field. */
export type LoraConfigInput = Pick<LoraConfig, "rank"> & {
  readonly [K in keyof LoraConfig]?: LoraConfig[K] | undefined;
};

/**
 * Fills in the defaults and checks every field; targets come out in the order of `loraTargets`.
 *
 * @throws MambaError `CONFIG`, naming the field, its rule and the value.
 */
export function resolveLoraConfig(input: LoraConfigInput): LoraConfig {
  const { rank, alpha = 2 * rank, targets = ["in_proj", "x_proj", "out_proj"], base } = input;
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
  const known = loraTargets.filter((target) => targets.includes(target));
  check(
    "targets",
    known.length > 0 && known.length === targets.length,
    `some of ${loraTargets.join(", ")}, each once`,
  );
  return { rank, alpha, targets: known, base };
}

/**
 * Parameters of an adapter for a model: `A` [r, I] starts as PyTorch's linear layers do (Kaiming uniform: within
 * ±1/√I), `B` [O, r] at zero, so that an untrained adapter changes nothing. Both decay as other matrices do, which
 * pulls the model back to what it was. Names are those of the adapted weights with `lora_A.weight` and `lora_B.weight`
 * at their ends.
 */
export function loraSpecs(config: MambaLMConfig, { rank, targets }: LoraConfig): ParameterSpec[] {
  const rules = { weightDecay: true, lrScale: 1, matrix: false };
  return parameterSpecs(config).flatMap(({ name, shape: [rows = 0, columns = 0] }): ParameterSpec[] => {
    const [, module = "", target = ""] = /^(.+\.mixer\.(\w+))\.weight$/.exec(name) ?? [];
    if (!targets.some((other) => other === target)) return [];
    const { A, B } = factorNames(module);
    return [
      { ...rules, name: A, shape: [rank, columns], init: { kind: "uniform", bound: columns ** -0.5 } },
      { ...rules, name: B, shape: [rows, rank], init: { kind: "constant", value: 0 } },
    ];
  });
}

/** Low-rank updates for the linear layers of a model; they work while the adapter is attached to it. */
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
    model: { readonly kernel: Kernel; readonly config: MambaLMConfig },
    input: LoraConfigInput,
    seed = 0,
  ): LoraAdapter {
    const config = resolveLoraConfig(input);
    using scope = new Scope();
    const parameters = initialParameters(model.kernel, loraSpecs(model.config, config), seed, scope);
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
