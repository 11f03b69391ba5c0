import { parameter, type ParamGroup, paramGroups, type Parameters, type ParameterSpec } from "@mamba/core";
import { type AdamWSlot, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import type { TrainConfig } from "./config.ts";
import { TrainError } from "./errors.ts";

/** A parameter with its moments. */
interface Entry {
  readonly spec: ParameterSpec;
  readonly param: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

/** AdamW (Loshchilov & Hutter 2019), with the parameter groups that the specs define. */
export class Optimizer implements Disposable {
  readonly #kernel: TrainingKernel;
  readonly #config: TrainConfig;
  readonly #groups: readonly ParamGroup[];
  readonly #entries = new Map<string, Entry>();
  readonly #scope = new Scope();

  /** @throws TrainError `CONFIG` when a parameter is not f32; MambaError `PARAMETER` when one is missing */
  constructor(
    kernel: TrainingKernel,
    { specs, parameters }: { readonly specs: readonly ParameterSpec[]; readonly parameters: Parameters },
    config: TrainConfig,
  ) {
    this.#kernel = kernel;
    this.#config = config;
    this.#groups = paramGroups(specs, config);
    try {
      for (const spec of specs) this.#entries.set(spec.name, this.#entry(parameters, spec));
    } catch (error) {
      this.#scope.dispose();
      throw error;
    }
  }

  #entry(parameters: Parameters, spec: ParameterSpec): Entry {
    const param = parameter(parameters, spec.name);
    if (param.dtype !== "f32") {
      const remedy = "load the model with dtype f32, and round the weights when it is saved";
      throw new TrainError("CONFIG", `${spec.name} is stored as ${param.dtype}: ${remedy}`);
    }
    const zeros = () => this.#scope.use(this.#kernel.zeros(spec.shape, "f32"));
    return { spec, param, m: zeros(), v: zeros() };
  }

  /**
   * Updates all parameters.
   *
   * @param step from 1
   * @param lrFactor learning rate as a fraction of the largest one
   * @param gradients the gradient of every parameter
   * @param gradScale [1], multiplies the gradients
   */
  update(
    step: number,
    lrFactor: number,
    gradients: ReadonlyMap<Tensor, Tensor>,
    gradScale: Tensor | undefined,
  ): void {
    const { beta1, beta2, eps } = this.#config;
    for (const { names, lr, weightDecay } of this.#groups) {
      const slots = names.map((name): AdamWSlot => {
        const { param, m, v } = this.#entries.get(name) as Entry;
        const grad = gradients.get(param);
        if (!grad) throw new RangeError(`parameter ${name} has no gradient`);
        return { param, grad, m, v };
      });
      this.#kernel.adamwStep(slots, { step, lr: lr * lrFactor, beta1, beta2, eps, weightDecay }, gradScale);
    }
  }

  /** All tensors that an update changes, with the names under which they are saved. */
  tensors(): { readonly name: string; readonly tensor: Tensor }[] {
    return [...this.#entries.values()].flatMap(({ spec: { name }, param, m, v }) => [
      { name, tensor: param },
      { name: `adamw.m.${name}`, tensor: m },
      { name: `adamw.v.${name}`, tensor: v },
    ]);
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
