import type { Kernel } from "@mamba/kernel";
import { type Adaptable, type LoraAdapter, loraSpecs, moduleName } from "../adapters/lora.ts";
import { MambaError } from "../errors.ts";
import { DerivedTensors } from "../ops/run/derivedTensors.ts";
import { checkParameters, type Parameters, type ParameterSpec } from "../parameters/spec.ts";

/** Parameters on a kernel, and the adapter beside them: the part that all models have in common. */
export abstract class Model<C extends object> implements Disposable {
  readonly kernel: Kernel;
  readonly config: C;
  /** The rules of `parameters`, in the order in which checkpoints store them. */
  readonly specs: readonly ParameterSpec[];
  readonly parameters: Parameters;
  /** Tensors that depend on one parameter alone, such as A on A_log. Freed with the model. */
  readonly derived: DerivedTensors;
  /** The layers that an adapter can adapt, by the full name of their weight. */
  abstract readonly linears: Adaptable;
  #adapter: LoraAdapter | undefined;
  /** Adapters that the weights already hold. */
  readonly #merged = new WeakSet<LoraAdapter>();

  /**
   * Takes ownership of `parameters`, named and shaped as `specs` say.
   *
   * @throws MambaError `PARAMETER` when one is missing, superfluous or has the wrong shape
   */
  constructor(kernel: Kernel, config: C, specs: readonly ParameterSpec[], parameters: Parameters) {
    checkParameters(parameters, specs);
    this.kernel = kernel;
    this.config = config;
    this.specs = specs;
    this.parameters = parameters;
    this.derived = new DerivedTensors(kernel);
  }

  /** The attached adapter, if there is one. */
  get adapter(): LoraAdapter | undefined {
    return this.#adapter;
  }

  /**
   * Attaches an adapter in place of the one before: `forward`, `step` and tapes use it. It is borrowed, and the model's own
   * parameters stay as they are. States were computed with the adapter before: begin with a new one.
   *
   * @throws MambaError `PARAMETER` when the adapter is for a model of another shape, or is already merged into this one.
   */
  attach(adapter: LoraAdapter): void {
    this.checkAdapter(adapter);
    this.#use(adapter);
  }

  /** Detaches the adapter: the model computes with its own parameters alone. */
  detach(): void {
    this.#use(undefined);
  }

  /** @throws MambaError `PARAMETER` when the adapter is for a model of another shape, or is already merged into this one. */
  checkAdapter(adapter: LoraAdapter): void {
    checkParameters(adapter.parameters, loraSpecs(this.linears, adapter.config));
    if (!this.#merged.has(adapter)) return;
    const remedy = "load the model again to use the adapter with its original weights";
    throw new MambaError("PARAMETER", `the adapter is already merged into this model; ${remedy}`);
  }

  /** Records that the weights hold the adapter, so that `checkAdapter` refuses it from now on. For `mergeAdapter`. */
  markMerged(adapter: LoraAdapter): void {
    this.#merged.add(adapter);
  }

  #use(adapter: LoraAdapter | undefined): void {
    this.#adapter = adapter;
    for (const [name, linear] of this.linears) linear.update = adapter?.updateOf(moduleName(name));
  }

  /** The parameters that training changes: the adapter's while one is attached, and otherwise the model's own that are not frozen. */
  get trainable(): { readonly specs: readonly ParameterSpec[]; readonly parameters: Parameters } {
    const adapter = this.#adapter;
    if (adapter) return { specs: loraSpecs(this.linears, adapter.config), parameters: adapter.parameters };
    const frozen = new Set(this.specs.filter((spec) => spec.frozen).map(({ name }) => name));
    if (frozen.size === 0) return { specs: this.specs, parameters: this.parameters };
    return {
      specs: this.specs.filter(({ name }) => !frozen.has(name)),
      parameters: new Map([...this.parameters].filter(([name]) => !frozen.has(name))),
    };
  }

  /** Frees the parameters and what was derived from them. States are their owners' to free. */
  dispose(): void {
    this.derived.dispose();
    for (const tensor of this.parameters.values()) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
