import type { KernelError } from "@mamba/kernel";
import { jobRecords } from "./generated/records.ts";
import type { Instance } from "./instance.ts";
import type { Memories } from "./memories.ts";
import { platform } from "./platform.ts";
import type { RecordMemory } from "./records.ts";
import { homeOf, runStaged } from "./stagedJobs.ts";
import type { JobName } from "./wasm.ts";

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

const defaultTuning: JobTuning = { shareAbove: 8_000, wakeAbove: 100_000, stallMs: 20_000 };

/** Settings of `Jobs`. */
export interface JobSettings extends Partial<JobTuning> {
  /** Address of the control record. */
  readonly control: number;
  readonly threads: number;
  /** True when the calling thread may block; the main thread of a browser may not. */
  readonly maySleep: boolean;
}

type WriteRecord = (to: RecordMemory, at: number, record: object) => void;

/** Runs the jobs of the module, alone or together with the workers. */
export class Jobs {
  readonly #memories: Memories;
  readonly #settings: Required<JobSettings>;
  readonly #onLost: (reason: string, cause?: unknown) => KernelError;

  /**
   * @param onLost declares the device lost and returns the error to throw
   */
  constructor(
    memories: Memories,
    settings: JobSettings,
    onLost: (reason: string, cause?: unknown) => KernelError,
  ) {
    this.#memories = memories;
    this.#settings = { ...defaultTuning, ...settings };
    this.#onLost = onLost;
  }

  /** See `Runtime.run`. */
  run<J extends JobName>(name: J, record: JobRecord<J>, nanoseconds: number): void {
    const { main, further } = this.#memories;
    const home = further > 0 ? homeOf(main, name, record) : main;
    if (home === main) this.#runOn(main, name, record, nanoseconds);
    else runStaged(main, home, name, record, (moved) => this.#runOn(home, name, moved, nanoseconds));
  }

  /** Runs a job whose pointers are addresses in the memory of `instance`. */
  #runOn(instance: Instance, name: JobName, record: object, nanoseconds: number): void {
    const job = instance.jobs[name];
    const args = instance.record.words.byteOffset;
    (jobRecords[name] as WriteRecord)(instance.record, 0, record);
    const units = job.units(args);
    if (units === 0) return;
    const { control, threads, shareAbove, wakeAbove } = this.#settings;
    const scratch = job.scratch ? instance.reserveScratch(job.scratch(args), threads, name) : 0;
    const shared = threads > 1 && units > 1 && nanoseconds >= shareAbove;
    let left = 0;
    try {
      if (shared) {
        // The control record lies in the main memory, the argument record and scratch in that of the job.
        const { main } = this.#memories;
        const claims = threads * claimsPerThread;
        const wake = nanoseconds >= wakeAbove;
        const stride = instance.scratchStride;
        left = main.wasm.post(control, job.index, args, units, claims, scratch, stride, wake);
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
      const now = this.#memories.main.wasm.pending(control, waitSpins, maySleep);
      if (now === 0) return;
      if (this.#memories.main.wasm.faulted(control)) throw this.#onLost(`a worker thread failed in ${name}`);
      const time = platform.performance.now();
      if (now !== left || since === 0) since = time;
      else if (time - since > stallMs) {
        throw this.#onLost(`${name} made no progress for ${stallMs / 1000} s: a worker thread is gone`);
      }
      left = now;
    }
  }
}
