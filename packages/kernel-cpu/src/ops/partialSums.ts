import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";
import { lineBytes, type Block } from "../allocator.ts";
import { addRows } from "./sumRows.ts";

/** A result that units fill piece by piece: where there are several pieces, each fills a row of its own. */
interface Sum {
  readonly result: CpuTensor;
  readonly rows: number;
  readonly size: number;
  /** Where the rows start: that of the result itself when there is only one. */
  readonly address: number;
}

/** Results that are sums of what several units find, added up in a fixed order once all are done. */
export class PartialSums {
  readonly #runtime: Runtime;
  readonly #op: string;
  readonly #blocks: Block[] = [];
  readonly #sums: Sum[] = [];

  constructor(runtime: Runtime, op: string) {
    this.#runtime = runtime;
    this.#op = op;
  }

  /** Room for `rows` rows of as many numbers as `result` has. Returns the address for the argument record. */
  add(result: CpuTensor, rows: number): number {
    const bytes = result.storage.bytes;
    let address = result.address;
    if (rows > 1) {
      const block = this.#runtime.temporary(this.#op, rows * bytes);
      this.#blocks.push(block);
      address = block.start * lineBytes;
    }
    this.#sums.push({ result, rows, size: bytes / 4, address });
    return address;
  }

  /** Adds the rows up. */
  finish(): void {
    for (const { result, rows, size, address } of this.#sums) {
      if (rows > 1) addRows(this.#runtime, address, rows, size, size, result.address);
    }
  }

  /** Gives the room back; the results stay. */
  free(): void {
    for (const block of this.#blocks) this.#runtime.heap.free(block);
  }
}
