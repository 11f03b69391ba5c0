import { elementCount, type Kernel, KernelError, Scope, type Shape, type Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { StateSpec } from "../layers/module.ts";

/** The least positions that a growing tensor has room for after it grew. */
const leastCapacity = 64;

/**
 * Positions for which a growing tensor is made when it must hold `needed`: the next power of two from 64 on, at most `limit`. So
 * the numbers are copied a constant number of times per position.
 */
export function capacityFor(needed: number, limit = Infinity): number {
  const doubled = Math.max(leastCapacity, 2 ** Math.ceil(Math.log2(Math.max(needed, 1))));
  return Math.max(needed, Math.min(doubled, limit));
}

/** The tensors of a state, which its views share, and how many positions each row has read. Counted: freed with its last user. */
export class StateMemory {
  readonly kernel: Kernel;
  readonly specs: readonly StateSpec[];
  /** Rows. */
  readonly batch: number;
  /** The most positions of a row; undefined: no bound. */
  readonly maxLength: number | undefined;
  /** True when a spec grows. */
  readonly grows: boolean;
  /** True when a row cannot read any number of positions as it is. */
  readonly isBounded: boolean;
  #lengths: readonly number[];
  #tensors: readonly Tensor[];
  #capacity: number;
  #version = 0;
  #users = 1;

  /**
   * Growing tensors have room for the largest of `lengths`.
   *
   * @param fixed makes the tensor of a spec that does not grow, [B, …]. Default: zeros
   */
  constructor(
    kernel: Kernel,
    specs: readonly StateSpec[],
    lengths: readonly number[],
    maxLength: number | undefined,
    fixed?: (index: number) => Tensor,
  ) {
    const capacity = Math.max(...lengths, 1);
    this.kernel = kernel;
    this.specs = specs;
    this.batch = lengths.length;
    this.#lengths = [...lengths];
    this.maxLength = maxLength;
    this.grows = specs.some(({ grows }) => grows);
    this.isBounded = this.grows || maxLength !== undefined;
    this.#capacity = capacity;
    this.#tensors = allOf(specs, ({ shape, grows }, i) =>
      fixed && !grows ? fixed(i) : kernel.zeros(shape(lengths.length, capacity), "f32"),
    );
  }

  /** In the order of `specs`. Growing tensors are others after `reserve`, which changes `version`. */
  get tensors(): readonly Tensor[] {
    return this.#tensors;
  }

  /** For each row, the positions that it has read. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /** Sets the lengths of the rows from `start` on. */
  setLengths(start: number, lengths: readonly number[]): void {
    const { batch } = this;
    const before = this.#lengths;
    this.#lengths =
      lengths.length === batch
        ? lengths
        : [...before.slice(0, start), ...lengths, ...before.slice(start + lengths.length)];
  }

  /** Positions that the growing tensors have room for. */
  get capacity(): number {
    return this.#capacity;
  }

  get version(): number {
    return this.#version;
  }

  /** Counts one more user. */
  use(): this {
    this.#users++;
    return this;
  }

  /** Counts one user less, and frees the tensors after the last one. */
  release(): void {
    if (--this.#users > 0) return;
    for (const tensor of this.#tensors) tensor.dispose();
  }

  /**
   * Makes room for `needed` positions of each row: at least by doubling where the memory allows it. Nothing changes when it fails.
   *
   * @param limit positions beyond which no room is made unless they are needed
   * @throws MambaError `LENGTH` when `needed` is above `maxLength`; KernelError `OUT_OF_MEMORY`
   */
  reserve(needed: number, limit = Infinity): void {
    const { maxLength = Infinity } = this;
    if (needed > maxLength) {
      throw new MambaError("LENGTH", `the state: at most ${maxLength} positions of a row, got ${needed}`);
    }
    if (!this.grows || needed <= this.#capacity) return;
    const wanted = capacityFor(needed, Math.min(limit, maxLength));
    try {
      this.resize(wanted);
    } catch (error) {
      const least = Math.min(Math.ceil(needed / leastCapacity) * leastCapacity, maxLength);
      if (!KernelError.is(error, "OUT_OF_MEMORY") || least >= wanted) throw error;
      this.resize(least);
    }
  }

  /** Gives the growing tensors room for exactly `capacity` positions, at least the largest of `lengths`. */
  resize(capacity: number): void {
    if (!this.grows || capacity === this.#capacity) return;
    const { kernel, specs, batch, lengths } = this;
    const old = this.#tensors;
    using scope = new Scope();
    const fresh = specs.map(({ grows, shape }, i) => {
      const kept = old[i];
      return grows || !kept ? scope.use(kernel.zeros(shape(batch, capacity), "f32")) : kept;
    });
    for (const [i, tensor] of fresh.entries()) {
      const from = old[i];
      if (!from || from === tensor) continue;
      for (const [row, length] of lengths.entries()) copyPositions(kernel, tensor, row, from, row, length);
    }
    for (const [i, tensor] of fresh.entries()) {
      if (tensor === old[i]) continue;
      scope.release(tensor);
      old[i]?.dispose();
    }
    this.#tensors = fresh;
    this.#capacity = capacity;
    this.#version++;
  }

  /** Copies the positions that row `from` of `source` has read into the growing tensors of row `to`, which have room for them. */
  copyGrowing(to: number, source: StateMemory, from: number): void {
    const length = source.lengths[from] ?? 0;
    for (const [i, { grows }] of this.specs.entries()) {
      const [target, given] = [this.#tensors[i], source.tensors[i]];
      if (grows && target && given) copyPositions(this.kernel, target, to, given, from, length);
    }
    this.setLengths(to, [length]);
  }

  /** Writes the positions that the rows have read, row after row, into tensor `index`, which grows. */
  uploadPositions(index: number, data: Float32Array): void {
    let next = 0;
    for (const row of this.lengths.keys()) {
      using target = this.positions(index, row);
      if (!target) continue;
      const values = data.subarray(next, (next += elementCount(target.shape)));
      using uploaded = this.kernel.upload(values, target.shape, "f32");
      this.kernel.copyInto(target, uploaded);
    }
  }

  /** View [length, width] of the positions that a row has read, of spec `index`, which grows; undefined before the first. */
  positions(index: number, row: number): Tensor | undefined {
    const tensor = this.#tensors[index];
    return tensor && positionsOf(this.kernel, tensor, row, this.lengths[row] ?? 0);
  }
}

/** Makes a tensor for each item; frees those that were made when a later one fails. */
export function allOf<T>(items: readonly T[], make: (item: T, index: number) => Tensor): readonly Tensor[] {
  using scope = new Scope();
  const tensors = items.map((item, i) => scope.use(make(item, i)));
  for (const tensor of tensors) scope.release(tensor);
  return tensors;
}

/** View [length, width] of the first positions of a row of [batch, capacity, width]; undefined when `length` is 0. */
function positionsOf(kernel: Kernel, tensor: Tensor, row: number, length: number): Tensor | undefined {
  if (length === 0) return undefined;
  const [batch = 0, capacity = 0, width = 0] = tensor.shape;
  const shape: Shape = [batch * capacity, width];
  using flat = kernel.reshape(tensor, shape);
  return kernel.rows(flat, row * capacity, length);
}

function copyPositions(
  kernel: Kernel,
  target: Tensor,
  to: number,
  source: Tensor,
  from: number,
  length: number,
): void {
  using given = positionsOf(kernel, source, from, length);
  using written = positionsOf(kernel, target, to, length);
  if (given && written) kernel.copyInto(written, given);
}
