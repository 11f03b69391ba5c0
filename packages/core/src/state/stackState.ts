import { type Kernel, Scope, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { StateSpec } from "../layers/module.ts";
import { allOf, StateMemory } from "./stateMemory.ts";

export interface StateOptions {
  /** The most positions that a row reads; one more is MambaError `LENGTH`. Default: no bound but the memory. */
  readonly maxLength?: number | undefined;
}

/**
 * The state of a stack: one tensor for each of its state specs. Most are of constant size for any number of tokens; those that
 * grow, such as the keys and values of attention, hold one row of numbers for each position. `forward` and `step` advance the
 * state in place; `clone` it before them to keep a state to come back to. `rows` is a view of some of its rows: the rest stays
 * as it is while they are advanced.
 */
export class StackState implements Disposable {
  readonly kernel: Kernel;
  readonly specs: readonly StateSpec[];
  /** Rows, B. */
  readonly batch: number;
  readonly #memory: StateMemory;
  /** The first row of the memory. */
  readonly #start: number;
  /** Views of some rows of the memory, made of its version `#version`. */
  #views: readonly Tensor[] = [];
  #version = -1;
  #isDisposed = false;

  /** Takes one use of `memory`. */
  private constructor(memory: StateMemory, start: number, batch: number) {
    this.kernel = memory.kernel;
    this.specs = memory.specs;
    this.batch = batch;
    this.#memory = memory;
    this.#start = start;
  }

  /**
   * A state before the first token: zeros.
   *
   * @param specs those of the stack, `stack.state`
   * @throws MambaError `CACHE` unless `batch` is a whole number >= 1
   */
  static create(
    kernel: Kernel,
    specs: readonly StateSpec[],
    batch: number,
    { maxLength }: StateOptions = {},
  ): StackState {
    if (!Number.isInteger(batch) || batch < 1) {
      throw new MambaError("CACHE", `a state needs a batch of at least 1, got ${batch}`);
    }
    const lengths = Array.from({ length: batch }, () => 0);
    return StackState.#whole(new StateMemory(kernel, specs, lengths, maxLength));
  }

  static #whole(memory: StateMemory): StackState {
    return new StackState(memory, 0, memory.batch);
  }

  /**
   * In the order of `specs`. They are the state's, and growing ones are replaced by `reserve`: read this again after it.
   *
   * @throws MambaError `DISPOSED`
   */
  get tensors(): readonly Tensor[] {
    if (this.#isDisposed) throw disposed();
    const memory = this.#memory;
    if (this.batch === memory.batch) return memory.tensors;
    if (this.#version !== memory.version) {
      this.#freeViews();
      this.#views = allOf(memory.tensors, (tensor) => this.kernel.rows(tensor, this.#start, this.batch));
      this.#version = memory.version;
    }
    return this.#views;
  }

  /** For each row, the positions that it has read. */
  get lengths(): readonly number[] {
    const { lengths } = this.#memory;
    return this.batch === lengths.length ? lengths : lengths.slice(this.#start, this.#start + this.batch);
  }

  /** Positions of each row that the growing tensors have room for. */
  get capacity(): number {
    return this.#memory.capacity;
  }

  /** True when a tensor grows with the positions that are read. */
  get grows(): boolean {
    return this.#memory.grows;
  }

  /** True when a row may have no room for the next position: a tensor grows, or there is a `maxLength`. */
  get isBounded(): boolean {
    return this.#memory.isBounded;
  }

  /**
   * Makes room for `positions` more positions of each row: at least by doubling, where the memory allows it. Views of the same
   * memory see it. Nothing changes when it fails.
   *
   * @param limit positions of a row beyond which no room is made unless they are needed. Default: no limit
   * @throws MambaError `LENGTH` when a row would have more positions than `maxLength`; KernelError `OUT_OF_MEMORY`
   */
  reserve(positions: number, limit?: number): void {
    if (this.isBounded) this.#memory.reserve(Math.max(...this.lengths) + positions, limit);
  }

  /**
   * Sets the positions that each row has read, after a stack has read them.
   *
   * @param lengths [B]
   */
  advanceTo(lengths: readonly number[]): void {
    this.#memory.setLengths(this.#start, lengths);
  }

  /** An independent copy. */
  clone(): StackState {
    return this.select(Array.from({ length: this.batch }, (_, row) => row));
  }

  /**
   * An independent state of rows `rows`, in that order; repeats are allowed. For beams and for dropping rows. Of growing tensors
   * the positions that were read are copied.
   *
   * @throws MambaError `CACHE` when a row does not exist, or none is given
   */
  select(rows: readonly number[]): StackState {
    const outside = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= this.batch);
    if (outside !== undefined || rows.length === 0) {
      const got = rows.length === 0 ? "none" : String(outside);
      throw new MambaError("CACHE", `rows must be from 0 to ${this.batch - 1} and at least one, got ${got}`);
    }
    const { kernel, tensors, lengths } = this;
    const chosen = rows.map((row) => lengths[row] ?? 0);
    const fixed = (i: number) => kernel.gatherRows(at(tensors, i), rows);
    const { maxLength } = this.#memory;
    using scope = new Scope();
    const copy = scope.use(StackState.#whole(new StateMemory(kernel, this.specs, chosen, maxLength, fixed)));
    for (const [to, row] of rows.entries()) copy.#memory.copyGrowing(to, this.#memory, this.#start + row);
    return scope.release(copy);
  }

  /**
   * View of rows [start, start + count): advancing it advances this state. No copy.
   *
   * @throws MambaError `CACHE` when a row does not exist, `DISPOSED`
   */
  rows(start: number, count: number): StackState {
    if (
      !Number.isInteger(start) ||
      !Number.isInteger(count) ||
      start < 0 ||
      count < 1 ||
      start + count > this.batch
    ) {
      const range = `[${start}, ${start + count})`;
      throw new MambaError("CACHE", `rows must be in [0, ${this.batch}) and at least one, got ${range}`);
    }
    if (this.#isDisposed) throw disposed();
    return new StackState(this.#memory.use(), this.#start + start, count);
  }

  /** A view of all rows, which keeps the memory alive after this state is disposed. No copy. */
  shared(): StackState {
    return this.rows(0, this.batch);
  }

  /**
   * Overwrites this state with another of the same stack and batch. Of growing tensors the positions that were read are copied.
   *
   * @throws MambaError `CACHE` when the other is of another stack or batch, `LENGTH`; KernelError `OUT_OF_MEMORY`
   */
  copyFrom(source: StackState): void {
    source.checkFits(this.specs, this.batch);
    this.#memory.reserve(Math.max(...source.lengths));
    this.#copyFixed(source.#fixedTensors());
    for (let row = 0; row < this.batch; row++) {
      this.#memory.copyGrowing(this.#start + row, source.#memory, source.#start + row);
    }
  }

  /** Frees the room that the growing tensors do not need. */
  shrink(): void {
    this.#memory.resize(Math.max(...this.#memory.lengths, 1));
  }

  /**
   * A copy of the tensors of a row that do not grow, with which `rewind` comes back to this point. It is the state of a stack
   * with these specs alone.
   */
  checkpoint(row: number): StackState {
    const fixed = this.specs.filter(({ grows }) => !grows);
    const tensors = this.#fixedTensors();
    const { maxLength } = this.#memory;
    const length = this.lengths[row] ?? 0;
    const memory = new StateMemory(this.kernel, fixed, [length], maxLength, (i) =>
      this.kernel.gatherRows(at(tensors, i), [row]),
    );
    return StackState.#whole(memory);
  }

  /**
   * Goes back to an earlier point of this state of one row. Its growing tensors hold the positions up to there already.
   *
   * @param checkpoint the result of `checkpoint` for this row or one that it was copied from, or a number of positions where all
   * tensors grow
   * @throws MambaError `CACHE` when the point is not an earlier one, or tensors that do not grow are missing
   */
  rewind(checkpoint: StackState | number): void {
    const length = typeof checkpoint === "number" ? checkpoint : Math.max(...checkpoint.lengths);
    const fixed = typeof checkpoint === "number" ? [] : checkpoint.tensors;
    const [now = 0] = this.lengths;
    const expected = this.specs.filter(({ grows }) => !grows).length;
    if (length > now || this.batch !== 1 || fixed.length !== expected) {
      const got = `${fixed.length} tensors after ${length}`;
      throw new MambaError(
        "CACHE",
        `rewind: expected ${expected} tensors after at most ${now} positions, got ${got}`,
      );
    }
    this.#copyFixed(fixed);
    this.advanceTo([length]);
  }

  /** The values of all tensors on the host, in the order of `specs`: of a growing one the positions that each row has read, row after row. */
  async read(): Promise<Float32Array[]> {
    using scope = new Scope();
    const parts = this.specs.map((_, i) => this.usedOf(i).map((part) => scope.use(part)));
    const data = await this.kernel.read(...parts.flat());
    let next = 0;
    return parts.map((list) => joined(data.slice(next, (next += list.length)) as Float32Array[]));
  }

  /**
   * The reverse of `read`, on any kernel.
   *
   * @param lengths for each row, the positions that it has read
   * @param data in the order of `specs`
   */
  static upload(
    kernel: Kernel,
    specs: readonly StateSpec[],
    lengths: readonly number[],
    data: readonly Float32Array[],
    { maxLength }: StateOptions = {},
  ): StackState {
    const upload = (i: number) => {
      const shape = at(specs, i).shape(lengths.length, 0);
      return kernel.upload(at(data, i), shape, "f32");
    };
    using scope = new Scope();
    const state = scope.use(StackState.#whole(new StateMemory(kernel, specs, lengths, maxLength, upload)));
    for (const [i, { grows }] of specs.entries()) if (grows) state.#memory.uploadPositions(i, at(data, i));
    return scope.release(state);
  }

  /** @throws MambaError `CACHE` when the state belongs to a stack of other sizes or a batch of another size. */
  checkFits(specs: readonly StateSpec[], batch: number): void {
    if (this.batch !== batch) {
      throw new MambaError("CACHE", `the state has ${this.batch} rows, the input ${batch}`);
    }
    if (this.specs === specs) return;
    const words = (list: readonly StateSpec[]) =>
      list.map(
        ({ name, shape, grows }) => `${name} [${shape(batch, 1).join(", ")}]${grows ? " that grows" : ""}`,
      );
    const [own, wanted] = [words(this.specs), words(specs)];
    const different = Array.from({ length: Math.max(own.length, wanted.length) }).findIndex(
      (_, i) => own[i] !== wanted[i],
    );
    if (different === -1) return;
    const [found = "no more tensors", expected = "no more tensors"] = [own[different], wanted[different]];
    throw new MambaError("CACHE", `the state is of another model: it has ${found}, the model ${expected}`);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#freeViews();
    this.#memory.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #fixedTensors(): readonly Tensor[] {
    return this.tensors.filter((_, i) => !this.specs[i]?.grows);
  }

  #copyFixed(sources: readonly Tensor[]): void {
    for (const [i, target] of this.#fixedTensors().entries()) this.kernel.copyInto(target, at(sources, i));
  }

  /**
   * Views of what is used of tensor `index`: the tensor, or of one that grows [length, width] for each row that has read a position.
   * They are the caller's.
   */
  usedOf(index: number): Tensor[] {
    const tensor = at(this.tensors, index);
    if (!this.specs[index]?.grows) return [this.kernel.rows(tensor, 0, this.batch)];
    return Array.from(
      this.lengths,
      (_, row) => this.#memory.positions(index, this.#start + row) ?? [],
    ).flat();
  }

  #freeViews(): void {
    for (const view of this.#views) view.dispose();
    this.#views = [];
  }
}

/** @throws RangeError when there is no such item */
function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`there is no item ${index} of ${items.length}`);
  return item;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const [first, ...others] = parts;
  if (first && others.length === 0) return first;
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let next = 0;
  for (const part of parts) {
    all.set(part, next);
    next += part.length;
  }
  return all;
}

function disposed(): MambaError {
  return new MambaError("DISPOSED", "the state is disposed");
}
