import type { KernelError } from "@mamba/kernel";
import { type Chunk, lineBytes } from "./allocator.ts";
import { jobRecords } from "./generated/records.ts";
import type { Heap } from "./heap.ts";
import { platform } from "./platform.ts";
import type { RecordMemory } from "./records.ts";
import { type JobName, jobNames, type WasmExports } from "./wasm.ts";

/** Bytes of the control record of assembly/jobs.ts. */
export const controlBytes = 256;

/** Each claim takes one part in `claimsPerThread · threads` of the remaining units, so that a slow thread takes fewer. */
const claimsPerThread = 4;
/** Polls of the counter before the caller sleeps or looks at the clock: about 20 µs at 3 GHz. */
const waitSpins = 50_000;

/** The argument record of a job. */
export type JobRecord<J extends JobName> = Parameters<(typeof jobRecords)[J]>[2];

/** Settings that change when threads take part in a job, never its results. */
export interface JobTuning {
  /** Jobs estimated to take fewer nanoseconds run on the calling thread: others would come too late to help. */
  readonly shareAbove: number;
  /** Jobs estimated to take fewer nanoseconds are shared by threads that are awake, but wake none: that takes 35 µs. */
  readonly wakeAbove: number;
  /** A job that makes no progress for this many milliseconds has lost a thread. */
  readonly stallMs: number;
}

const defaultTuning: JobTuning = { shareAbove: 20_000, wakeAbove: 100_000, stallMs: 20_000 };

/** Settings of `Jobs`. */
export interface JobSettings extends Partial<JobTuning> {
  /** Address of the control record. */
  readonly control: number;
  readonly threads: number;
  /** True when the calling thread may block; the main thread of a browser may not. */
  readonly maySleep: boolean;
}

/** One job of the module. */
interface Job {
  readonly write: (to: RecordMemory, at: number, record: never) => void;
  readonly units: (args: number) => number;
  readonly scratch: ((args: number) => number) | undefined;
  readonly run: (args: number, begin: number, end: number, scratch: number) => void;
  /** Index of `run` in the table of the module. */
  readonly index: number;
}

/** Runs the jobs of the module, alone or together with the workers. */
export class Jobs {
  readonly #wasm: WasmExports;
  readonly #heap: Heap;
  readonly #settings: Required<JobSettings>;
  readonly #onLost: (reason: string, cause?: unknown) => KernelError;
  readonly #jobs: Readonly<Record<JobName, Job>>;
  /** The argument record of the running job. One is enough, since a job is done when `run` returns. */
  readonly #record: RecordMemory;
  readonly #args: number;
  #scratch: Chunk | undefined;
  /** Bytes of scratch per thread. */
  #scratchStride = 0;

  /**
   * @param record memory for the longest argument record
   * @param table index of each job's function in the table of the module
   * @param onLost declares the device lost and returns the error to throw
   */
  constructor(
    wasm: WasmExports,
    heap: Heap,
    record: RecordMemory,
    table: Readonly<Record<JobName, number>>,
    settings: JobSettings,
    onLost: (reason: string, cause?: unknown) => KernelError,
  ) {
    this.#wasm = wasm;
    this.#heap = heap;
    this.#record = record;
    this.#args = record.words.byteOffset;
    this.#settings = { ...defaultTuning, ...settings };
    this.#onLost = onLost;
    this.#jobs = Object.fromEntries(
      jobNames.map((name): [JobName, Job] => [
        name,
        {
          write: jobRecords[name],
          units: wasm[`${name}Units`],
          scratch: wasm[`${name}Scratch`],
          run: wasm[`${name}Run`],
          index: table[name],
        },
      ]),
    ) as Record<JobName, Job>;
  }

  /** See `Runtime.run`. */
  run<J extends JobName>(name: J, record: JobRecord<J>, nanoseconds: number): void {
    const job: Job = this.#jobs[name];
    const args = this.#args;
    job.write(this.#record, 0, record as never);
    const units = job.units(args);
    if (units === 0) return;
    const scratch = job.scratch ? this.#reserve(job.scratch(args), name) : 0;
    const { control, threads, shareAbove, wakeAbove } = this.#settings;
    const shared = threads > 1 && units > 1 && nanoseconds >= shareAbove;
    let left = 0;
    try {
      if (shared) {
        const stride = this.#scratchStride;
        const claims = threads * claimsPerThread;
        left = this.#wasm.post(
          control,
          job.index,
          args,
          units,
          claims,
          scratch,
          stride,
          nanoseconds >= wakeAbove,
        );
      } else job.run(args, 0, units, scratch);
    } catch (cause) {
      throw this.#onLost(`${name} failed inside WebAssembly`, cause);
    }
    if (left !== 0) this.#wait(name, left);
  }

  #wait(name: JobName, claimed: number): void {
    const { control, maySleep, stallMs } = this.#settings;
    let left = claimed;
    let since = 0;
    for (;;) {
      const now = this.#wasm.pending(control, waitSpins, maySleep);
      if (now === 0) return;
      if (this.#wasm.faulted(control)) throw this.#onLost(`a worker thread failed in ${name}`);
      const time = platform.performance.now();
      if (now !== left || since === 0) since = time;
      else if (time - since > stallMs) {
        throw this.#onLost(`${name} made no progress for ${stallMs / 1000} s: a worker thread is gone`);
      }
      left = now;
    }
  }

  /** Reserves scratch for all threads and keeps it for later jobs. Returns its address. */
  #reserve(bytes: number, op: string): number {
    if (bytes > this.#scratchStride) {
      const stride = Math.ceil(bytes / lineBytes) * lineBytes;
      const grown = this.#heap.allocate(stride * this.#settings.threads, op);
      if (this.#scratch) this.#heap.free(this.#scratch);
      this.#scratch = grown;
      this.#scratchStride = stride;
    }
    return this.#scratch ? this.#scratch.address : 0;
  }
}
