import { Scope, type Kernel, type Shape, type Tensor } from "@mamba/kernel";
import type { ConstantData } from "./opRun.ts";
import type { UnaryOp } from "./ops.ts";
import { uploadConstant } from "./uploadConstant.ts";

interface Entry {
  /** The version of the parameter that `value` was computed from. */
  version: number;
  readonly value: Tensor;
}

/**
 * A cache of tensors that depend on one parameter alone, and of the constants of modules. A result is valid while the parameter's `version` stays the same,
 * and is computed again, into the same memory, after a write to the parameter. A model owns one and frees it with itself.
 */
export class DerivedTensors implements Disposable {
  readonly #kernel: Kernel;
  readonly #scope = new Scope();
  readonly #entries = new Map<UnaryOp, Map<Tensor, Entry>>();
  readonly #constants = new Map<ConstantData, Tensor>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** `kernel[op](parameter)`, borrowed. */
  get(parameter: Tensor, op: UnaryOp): Tensor {
    let entries = this.#entries.get(op);
    if (!entries) this.#entries.set(op, (entries = new Map<Tensor, Entry>()));
    const { version } = parameter;
    const entry = entries.get(parameter);
    if (entry?.version === version) return entry.value;
    const fresh = this.#kernel[op](parameter);
    if (entry === undefined) {
      entries.set(parameter, { version, value: this.#scope.use(fresh) });
      return fresh;
    }
    this.#kernel.copyInto(entry.value, fresh);
    fresh.dispose();
    entry.version = version;
    return entry.value;
  }

  /** The data as a tensor, borrowed. An array is uploaded once, and must not change. */
  constant(data: ConstantData, shape: Shape): Tensor {
    let tensor = this.#constants.get(data);
    if (!tensor) {
      tensor = this.#scope.use(uploadConstant(this.#kernel, data, shape));
      this.#constants.set(data, tensor);
    }
    return tensor;
  }

  dispose(): void {
    this.#scope.dispose();
    this.#entries.clear();
    this.#constants.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
