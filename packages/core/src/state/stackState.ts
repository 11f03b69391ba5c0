import { Scope, type Kernel, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { StateSpec } from "../layers/module.ts";

/**
 * The state of a stack: one tensor for each of its state specs, of constant size for any number of tokens. `forward` and
 * `step` advance it in place; `clone` it before them to keep a state to come back to. `rows` is a view of some of its rows: the
 * rest stays as it is while they are advanced.
 */
export class StackState implements Disposable {
  readonly kernel: Kernel;
  readonly specs: readonly StateSpec[];
  /** Rows, B. */
  readonly batch: number;
  /** In the order of `specs`. */
  readonly tensors: readonly Tensor[];

  private constructor(
    kernel: Kernel,
    specs: readonly StateSpec[],
    batch: number,
    tensors: readonly Tensor[],
  ) {
    this.kernel = kernel;
    this.specs = specs;
    this.batch = batch;
    this.tensors = tensors;
  }

  /**
   * A state before the first token: zeros.
   *
   * @param specs those of the stack, `stack.state`
   * @throws MambaError `CACHE` unless `batch` is a whole number >= 1
   */
  static create(kernel: Kernel, specs: readonly StateSpec[], batch: number): StackState {
    if (!Number.isInteger(batch) || batch < 1) {
      throw new MambaError("CACHE", `a state needs a batch of at least 1, got ${batch}`);
    }
    return StackState.#make(
      kernel,
      specs,
      batch,
      specs.map(
        ({ shape }) =>
          () =>
            kernel.zeros(shape(batch, 0), "f32"),
      ),
    );
  }

  /** An independent copy. */
  clone(): StackState {
    return this.select(Array.from({ length: this.batch }, (_, row) => row));
  }

  /**
   * An independent state of rows `rows`, in that order; repeats are allowed. For beams and for dropping rows.
   *
   * @throws MambaError `CACHE` when a row does not exist, or none is given
   */
  select(rows: readonly number[]): StackState {
    const outside = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= this.batch);
    if (outside !== undefined || rows.length === 0) {
      const got = rows.length === 0 ? "none" : String(outside);
      throw new MambaError("CACHE", `rows must be from 0 to ${this.batch - 1} and at least one, got ${got}`);
    }
    return StackState.#make(
      this.kernel,
      this.specs,
      rows.length,
      this.tensors.map((tensor) => () => this.kernel.gatherRows(tensor, rows)),
    );
  }

  /**
   * View of rows [start, start + count): advancing it advances this state. No copy.
   *
   * @throws KernelError `ARGUMENT` when a row does not exist
   */
  rows(start: number, count: number): StackState {
    return StackState.#make(
      this.kernel,
      this.specs,
      count,
      this.tensors.map((tensor) => () => this.kernel.rows(tensor, start, count)),
    );
  }

  /** A view of all rows, which keeps the memory alive after this state is disposed. No copy. */
  shared(): StackState {
    return this.rows(0, this.batch);
  }

  /**
   * Overwrites this state with another of the same stack and batch.
   *
   * @throws MambaError `CACHE` when the other is of another stack or batch
   */
  copyFrom(source: StackState): void {
    source.checkFits(this.specs, this.batch);
    this.tensors.forEach((tensor, i) => {
      const from = source.tensors[i];
      if (from) this.kernel.copyInto(tensor, from);
    });
  }

  /** The values of all tensors on the host, in the order of `specs`. */
  async read(): Promise<Float32Array[]> {
    return (await this.kernel.read(...this.tensors)) as Float32Array[];
  }

  /** The reverse of `read`, on any kernel. */
  static upload(
    kernel: Kernel,
    specs: readonly StateSpec[],
    batch: number,
    data: readonly Float32Array[],
  ): StackState {
    return StackState.#make(
      kernel,
      specs,
      batch,
      specs.map(
        ({ shape }, i) =>
          () =>
            kernel.upload(data[i] ?? new Float32Array(), shape(batch, 0), "f32"),
      ),
    );
  }

  /** @throws MambaError `CACHE` when the state belongs to a stack of other sizes or a batch of another size. */
  checkFits(specs: readonly StateSpec[], batch: number): void {
    if (this.batch !== batch) {
      throw new MambaError("CACHE", `the state has ${this.batch} rows, the input ${batch}`);
    }
    if (this.specs === specs) return;
    const words = (list: readonly StateSpec[]) =>
      list.map(({ name, shape }) => `${name} [${shape(batch, 0).join(", ")}]`);
    const [own, wanted] = [words(this.specs), words(specs)];
    const at = Array.from({ length: Math.max(own.length, wanted.length) }).findIndex(
      (_, i) => own[i] !== wanted[i],
    );
    if (at === -1) return;
    const [found = "no more tensors", expected = "no more tensors"] = [own[at], wanted[at]];
    throw new MambaError("CACHE", `the state is of another model: it has ${found}, the model ${expected}`);
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  static #make(
    kernel: Kernel,
    specs: readonly StateSpec[],
    batch: number,
    makers: readonly (() => Tensor)[],
  ): StackState {
    using scope = new Scope(); // frees what was made when a later allocation fails
    const tensors = makers.map((make) => scope.use(make()));
    for (const tensor of tensors) scope.release(tensor);
    return new StackState(kernel, specs, batch, tensors);
  }
}
