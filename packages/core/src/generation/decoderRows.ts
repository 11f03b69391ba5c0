import { Scope } from "@mamba/kernel";
import type { MambaLM } from "../model/mambaLM.ts";
import type { StackState } from "../state/stackState.ts";

/** The memory of a decoder: a state of `capacity` rows. It is allocated once, but for tensors that grow. */
export class DecoderRows implements Disposable {
  readonly #state: StackState;
  /** One row before the first token. */
  readonly #zero: StackState;
  /** The view of the last call of `first`: as a rule the next call wants the same rows. */
  #first: StackState | undefined;

  constructor(model: MambaLM, capacity: number, maxLength: number | undefined) {
    using scope = new Scope();
    this.#state = scope.use(model.createState(capacity, { maxLength }));
    this.#zero = scope.use(model.createState(1));
    scope.release(this.#state);
    scope.release(this.#zero);
  }

  /** True when a row may have no room for the next position. */
  get isBounded(): boolean {
    return this.#state.isBounded;
  }

  /** View of the first `count` rows. Borrowed until the next call. */
  first(count: number): StackState {
    if (this.#first?.batch !== count) {
      this.#first?.dispose();
      this.#first = this.#state.rows(0, count);
    }
    return this.#first;
  }

  /** Frees what is needed only while there are sequences: the view of `first`, and room for positions. */
  release(): void {
    this.#first?.dispose();
    this.#first = undefined;
    this.#state.shrink();
  }

  /** Marks a row as one without positions: nothing of it is copied when the state grows. */
  clear(row: number): void {
    using view = this.view(row, 1);
    view.advanceTo([0]);
  }

  /** View of rows [start, start + count). The caller's. */
  view(start: number, count: number): StackState {
    return this.#state.rows(start, count);
  }

  /** Overwrites a row; undefined: by the state before the first token. */
  write(row: number, source: StackState = this.#zero): void {
    using target = this.view(row, 1);
    target.copyFrom(source);
  }

  copy(from: number, to: number): void {
    if (from === to) return;
    using source = this.view(from, 1);
    this.write(to, source);
  }

  swap(a: number, b: number): void {
    if (a === b) return;
    using kept = this.take(a);
    this.copy(b, a);
    this.write(b, kept);
  }

  /** A copy of a row. The caller's. */
  take(row: number): StackState {
    return this.#state.select([row]);
  }

  /** A checkpoint of a row, see `StackState.checkpoint`. The caller's. */
  checkpoint(row: number): StackState {
    return this.#state.checkpoint(row);
  }

  [Symbol.dispose](): void {
    this.#first?.dispose();
    this.#state.dispose();
    this.#zero.dispose();
  }
}
