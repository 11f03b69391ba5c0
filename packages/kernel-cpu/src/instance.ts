import { type Chunk, lineBytes } from "./allocator.ts";
import { recordBytes } from "./generated/records.ts";
import { Heap } from "./heap.ts";
import type { SharedMemory } from "./platform.ts";
import { RecordMemory } from "./records.ts";
import { fillTable, type JobName, jobNames, type WasmExports } from "./wasm.ts";

const argsBytes = roundUp(recordBytes);

/** One job of an instance. */
interface Job {
  readonly units: (args: number) => number;
  readonly scratch: ((args: number) => number) | undefined;
  readonly run: (args: number, begin: number, end: number, scratch: number) => void;
  /** Index of `run` in the table of the main instance. */
  readonly index: number;
}

/** The module on one memory, as the calling thread uses it. */
export class Instance {
  /** 0 for the main memory, which holds activations and all that ops compute; from 1 on for memories of weights. */
  readonly number: number;
  readonly wasm: WasmExports;
  readonly heap: Heap;
  /** Memory for the argument record of the running job. One is enough, since a job is done when `Runtime.run` returns. */
  readonly record: RecordMemory;
  readonly jobs: Readonly<Record<JobName, Job>>;
  /** Bytes of the tensors that were placed here as weights. */
  weightBytes = 0;
  #scratch: Chunk | undefined;
  #scratchStride = 0;

  /**
   * @param main exports of the main instance; `wasm` for the main instance itself
   * @param reserved bytes after those of the module that belong to the caller
   */
  constructor(number: number, wasm: WasmExports, memory: SharedMemory, main: WasmExports, reserved = 0) {
    const record = moduleEnd(wasm) + roundUp(reserved);
    this.number = number;
    this.wasm = wasm;
    this.record = new RecordMemory(memory.buffer, record, argsBytes);
    this.heap = new Heap(memory, record + argsBytes);
    const table = fillTable(main.table, wasm);
    const jobs = jobNames.map((name): [JobName, Job] => {
      const [units, scratch, run] = [wasm[`${name}Units`], wasm[`${name}Scratch`], wasm[`${name}Run`]];
      return [name, { units, scratch, run, index: table[name] }];
    });
    this.jobs = Object.fromEntries(jobs) as Record<JobName, Job>;
  }

  /** Bytes of scratch per thread. */
  get scratchStride(): number {
    return this.#scratchStride;
  }

  /** Fills a chunk that was just allocated with zeros. Memory that was never used holds zeros, and is not touched. */
  clear({ address, used }: Chunk): void {
    this.wasm.fillZero(address, used * lineBytes);
  }

  /**
   * Reserves scratch for all threads and keeps it for later jobs. Returns its address.
   *
   * @param bytes per thread
   * @throws KernelError `OUT_OF_MEMORY`
   */
  reserveScratch(bytes: number, threads: number, op: string): number {
    if (bytes > this.#scratchStride) {
      const stride = roundUp(bytes);
      const grown = this.heap.allocate(stride * threads, op);
      if (this.#scratch) this.heap.free(this.#scratch);
      this.#scratch = grown;
      this.#scratchStride = stride;
    }
    return this.#scratch ? this.#scratch.address : 0;
  }
}

/** Address of the first line that does not belong to the module. */
export function moduleEnd(wasm: WasmExports): number {
  return roundUp(wasm.heapBase() >>> 0);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / lineBytes) * lineBytes;
}
