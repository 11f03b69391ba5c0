/** Frees what it was given, in one go: `using scope = new Scope()` ends the intermediates of a step. */
export class Scope implements Disposable {
  readonly #held = new Set<Disposable>();

  /** Takes ownership of `item` and returns it. */
  use<T extends Disposable>(item: T): T {
    this.#held.add(item);
    return item;
  }

  /** Gives ownership of `item` back to the caller: it outlives the scope. */
  release<T extends Disposable>(item: T): T {
    this.#held.delete(item);
    return item;
  }

  dispose(): void {
    for (const item of this.#held) item[Symbol.dispose]();
    this.#held.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
