/** Owns disposables and disposes them together: `using scope = new Scope()` frees the intermediates of a step. */
export class Scope implements Disposable {
  readonly #held = new Set<Disposable>();

  /** Takes ownership of `item` and returns it. */
  use<T extends Disposable>(item: T): T {
    this.#held.add(item);
    return item;
  }

  /** Returns ownership of `item` to the caller: the scope no longer disposes it. */
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
