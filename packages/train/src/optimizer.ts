import { parameter, type ParamGroup, paramGroups, type Parameters, type ParameterSpec } from "@mamba/core";
import {
  type AdamWSlot,
  byteLength,
  elementCount,
  isQuantized,
  type Kernel,
  lastExtent,
  Scope,
  type Tensor,
  type TrainingKernel,
} from "@mamba/kernel";
import type { TrainConfig } from "./config.ts";
import { TrainError } from "./errors.ts";

/** A parameter with its moments. */
interface Entry {
  readonly spec: ParameterSpec;
  /** The tensor that the model computes with. */
  readonly param: Tensor;
  /** f32 values of the parameter, which the optimizer updates: `param` itself when it is f32. */
  readonly master: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

/**
 * AdamW (Loshchilov & Hutter 2019), with the parameter groups that the specs define. A parameter that is stored as f16 or bf16 has
 * a master of f32: updates that are smaller than a rounding step of the parameter add up there (Micikevicius et al. 2018, section
 * 3.1). After each update the parameter is the rounded master.
 */
export class Optimizer implements Disposable {
  readonly #kernel: TrainingKernel;
  readonly #config: TrainConfig;
  readonly #groups: readonly ParamGroup[];
  readonly #entries = new Map<string, Entry>();
  readonly #scope = new Scope();

  /**
   * @throws TrainError `CONFIG` when a parameter is not stored as `config.weights` says; MambaError `PARAMETER` when one is missing
   */
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
    checkStorage(spec, param, this.#config);
    const zeros = () => this.#scope.use(this.#kernel.zeros(spec.shape, "f32"));
    const master = param.dtype === "f32" ? param : this.#scope.use(widened(this.#kernel, param));
    return { spec, param, master, m: zeros(), v: zeros() };
  }

  /** Bytes of the masters and the moments. */
  get bytes(): { readonly masters: number; readonly moments: number } {
    return optimizerBytes([...this.#entries.values()].map(({ param }) => param));
  }

  /**
   * Updates all parameters.
   *
   * @param step from 1
   * @param lrFactor learning rate as a fraction of the largest one
   * @param gradients the gradient of every parameter
   * @param gradScale [1], multiplies the gradients
   * @throws TrainError `CONFIG` when a parameter has no gradient; nothing is updated then
   */
  update(
    step: number,
    lrFactor: number,
    gradients: ReadonlyMap<Tensor, Tensor>,
    gradScale: Tensor | undefined,
  ): void {
    const { beta1, beta2, eps } = this.#config;
    const slotOf = (name: string): AdamWSlot => {
      const { param, master, m, v } = this.#entries.get(name) as Entry;
      const grad = gradients.get(param);
      if (grad) return { param: master, grad, m, v };
      const reason = "the loss does not depend on it, or was not computed with the methods of the tape";
      throw new TrainError("CONFIG", `parameter ${name} has no gradient: ${reason}`);
    };
    // All slots before the first update, so that an error leaves everything as it was.
    const groups = this.#groups.map((group) => ({ ...group, slots: group.names.map(slotOf) }));
    for (const { slots, lr, weightDecay } of groups) {
      this.#kernel.adamwStep(slots, { step, lr: lr * lrFactor, beta1, beta2, eps, weightDecay }, gradScale);
    }
    this.roundWeights();
  }

  /** Overwrites the parameters that have a master with its rounded values. */
  roundWeights(): void {
    for (const { param, master } of this.#entries.values()) {
      if (param !== master) this.#kernel.copyInto(param, master);
    }
  }

  /** The f32 values of the parameters, by their names. After a write to one, call `roundWeights`. */
  get masters(): ReadonlyMap<string, Tensor> {
    return new Map([...this.#entries].map(([name, { master }]) => [name, master]));
  }

  /** All tensors that an update changes, f32, with the names under which they are saved. After a write, call `roundWeights`. */
  tensors(): { readonly name: string; readonly tensor: Tensor }[] {
    return [...this.#entries.values()].flatMap(({ spec: { name }, master, m, v }) => [
      { name, tensor: master },
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

/** @throws TrainError `CONFIG` when a parameter is not stored as `weights` says */
function checkStorage({ name, storage }: ParameterSpec, { dtype }: Tensor, { weights }: TrainConfig): void {
  const expected = storage === "any" ? weights : "f32";
  if (dtype === expected) return;
  const remedy = isQuantized(dtype)
    ? "quantised weights do not learn; attach a LoRA adapter and train that"
    : storage === "f32"
      ? `parameters that are no large matrices must be f32`
      : `make or load the model with dtype ${weights}, or train with weights ${JSON.stringify(dtype)}`;
  throw new TrainError("CONFIG", `${name} is stored as ${dtype}, expected ${expected}: ${remedy}`);
}

/** A copy in f32. No op converts as such, but a lookup of all rows gives f32. */
function widened(kernel: Kernel, x: Tensor): Tensor {
  const width = lastExtent(x.shape);
  const rows = elementCount(x.shape) / width;
  using scope = new Scope();
  const ids = scope.use(
    kernel.upload(
      Int32Array.from({ length: rows }, (_, row) => row),
      [rows],
      "i32",
    ),
  );
  const table = scope.use(kernel.reshape(x, [rows, width]));
  return kernel.reshape(scope.use(kernel.embedding(ids, table)), x.shape);
}

/** Bytes that an optimizer of these parameters has: f32 masters of those that are not f32, and two moments of each. */
export function optimizerBytes(parameters: Iterable<Tensor>): { masters: number; moments: number } {
  const bytes = { masters: 0, moments: 0 };
  for (const { dtype, shape } of parameters) {
    const own = byteLength("f32", shape);
    bytes.moments += 2 * own;
    if (dtype !== "f32") bytes.masters += own;
  }
  return bytes;
}
