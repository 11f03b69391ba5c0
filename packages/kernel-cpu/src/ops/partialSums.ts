import type { Chunk } from "../allocator.ts";
import type { Pointer } from "../records.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";
import { addRows } from "./sumRows.ts";

/** A result that is the sum of rows, each written by other units. */
interface Sum {
  readonly result: CpuTensor;
  readonly rows: number;
  readonly size: number;
  /** The rows: the result itself when there is only one. */
  readonly source: Pointer;
}

/** Results that are sums over several units, added up in a fixed order after all units are done. */
export class PartialSums {
  readonly #runtime: Runtime;
  readonly #op: string;
  readonly #memory: Chunk[] = [];
  readonly #sums: Sum[] = [];

  constructor(runtime: Runtime, op: string) {
    this.#runtime = runtime;
    this.#op = op;
  }

  /** Reserves `rows` rows of as many numbers as `result` has. Returns their address. */
  add(result: CpuTensor, rows: number): Pointer {
    const { bytes } = result.storage;
    let source: CpuTensor | Chunk = result;
    if (rows > 1) {
      source = this.#runtime.temporary(this.#op, rows * bytes);
      this.#memory.push(source);
    }
    this.#sums.push({ result, rows, size: bytes / 4, source });
    return source;
  }

  /** Adds up the rows. */
  finish(): void {
    for (const { result, rows, size, source } of this.#sums) {
      if (rows > 1) addRows(this.#runtime, source, result, rows, size, size);
    }
  }

  /** Frees the rows; the results stay. */
  free(): void {
    for (const chunk of this.#memory) this.#runtime.heap.free(chunk);
  }
}
