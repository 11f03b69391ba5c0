import { Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";

/** Gradients by the tensor that they belong to, added up as they arrive. Owns them. */
export class Gradients implements Disposable {
  readonly #kernel: TrainingKernel;
  readonly #scope = new Scope();
  readonly #byTensor = new Map<Tensor, Tensor>();

  constructor(kernel: TrainingKernel) {
    this.#kernel = kernel;
  }

  /** Borrowed. */
  get byTensor(): ReadonlyMap<Tensor, Tensor> {
    return this.#byTensor;
  }

  has(x: Tensor): boolean {
    return this.#byTensor.has(x);
  }

  /** Adds `gradient`, which it takes ownership of, to that of `x`. */
  add(x: Tensor, gradient: Tensor): void {
    const sum = this.#byTensor.get(x);
    if (sum) {
      this.#kernel.accumulate(sum, gradient);
      gradient.dispose();
    } else this.#byTensor.set(x, this.#scope.use(gradient));
  }

  /** Adds `gradient`, which stays the caller's, to columns [start, start + count) of that of `x`. */
  addColumns(x: Tensor, gradient: Tensor, start: number, count: number): void {
    let sum = this.#byTensor.get(x);
    if (!sum) this.#byTensor.set(x, (sum = this.#scope.use(this.#kernel.zeros(x.shape, "f32"))));
    using target = this.#kernel.columns(sum, start, count);
    this.#kernel.accumulate(target, gradient);
  }

  /** Hands the gradient of `x` over, if there is one. */
  take(x: Tensor): Tensor | undefined {
    const gradient = this.#byTensor.get(x);
    this.#byTensor.delete(x);
    return gradient && this.#scope.release(gradient);
  }

  /** Hands all of them over. */
  takeAll(): Map<Tensor, Tensor> {
    const all = new Map(this.#byTensor);
    for (const gradient of all.values()) this.#scope.release(gradient);
    this.#byTensor.clear();
    return all;
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
