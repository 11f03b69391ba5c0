import type { Value } from "./values.ts";

/** The names of a block, and those around it. */
export class Scope {
  readonly #names = new Map<string, Value>();
  readonly #outer: Scope | undefined;
  /** Loops around the block. */
  readonly loops: number;

  constructor(outer?: Scope, isLoop = false) {
    this.#outer = outer;
    this.loops = (outer?.loops ?? 0) + (isLoop ? 1 : 0);
  }

  get(name: string): Value | undefined {
    const value = this.#names.get(name);
    return value !== undefined ? value : this.#outer?.get(name);
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }
}
