import type { KernelError } from "@mamba/kernel";
import { type Block, lineBytes } from "./allocator.ts";
import type { Heap } from "./heap.ts";
import { opcodes, type OpName } from "./opcodes.ts";
import { platform } from "./platform.ts";
import type { WasmExports } from "./wasm.ts";

/** Bytes of the control block of assembly/jobs.ts. */
export const controlBytes = 256;

/** A claim takes this part of a thread's fair share of what is left: a thread that lags behind then gets less. */
const claimParts = 4;
/** Looks at the counter before the caller goes to sleep or looks at the clock: about 20 µs at 3 GHz. */
const waitSpins = 50_000;

/** What can be turned without a change in results. */
export interface JobTuning {
  /** Jobs estimated to take fewer nanoseconds stay on the calling thread: others would come too late to help. */
  readonly shareAbove: number;
  /** Jobs estimated to take fewer nanoseconds are shared by threads that are awake, but wake none: that takes 35 µs. */
  readonly wakeAbove: number;
  /** A job that makes no progress for this many milliseconds has lost a thread. */
  readonly stallMs: number;
}

const defaultTuning: JobTuning = { shareAbove: 20_000, wakeAbove: 100_000, stallMs: 20_000 };

/** How jobs are run. */
export interface JobSettings extends Partial<JobTuning> {
  /** Address of the control block. */
  readonly control: number;
  readonly threads: number;
  /** Whether the calling thread may block; the main thread of a browser may not. */
  readonly maySleep: boolean;
}

/** Runs the ops of the module, alone or together with the workers. */
export class Jobs {
  readonly #wasm: WasmExports;
  readonly #heap: Heap;
  readonly #settings: Required<JobSettings>;
  readonly #onLost: (reason: string, cause?: unknown) => KernelError;
  #scratch: Block | undefined;
  /** Bytes of scratch per thread. */
  #scratchStride = 0;

  /** @param onLost declares the device lost and returns the error to throw */
  constructor(
    wasm: WasmExports,
    heap: Heap,
    settings: JobSettings,
    onLost: (reason: string, cause?: unknown) => KernelError,
  ) {
    this.#wasm = wasm;
    this.#heap = heap;
    this.#settings = { ...defaultTuning, ...settings };
    this.#onLost = onLost;
  }

  /** See `Runtime.run`. */
  run(name: OpName, args: number, nanoseconds: number): void {
    const op = opcodes[name];
    const units = this.#wasm.unitsOf(op, args);
    if (units === 0) return;
    const scratch = this.#reserve(this.#wasm.scratchOf(op, args), name);
    const { control, threads, shareAbove, wakeAbove } = this.#settings;
    const shared = threads > 1 && units > 1 && nanoseconds >= shareAbove;
    let left = 0;
    try {
      if (shared) {
        const stride = this.#scratchStride;
        const wake = nanoseconds >= wakeAbove;
        left = this.#wasm.post(control, op, args, units, threads * claimParts, scratch, stride, wake);
      } else this.#wasm.execute(op, args, 0, units, scratch);
    } catch (cause) {
      throw this.#onLost(`${name} failed inside WebAssembly`, cause);
    }
    if (left !== 0) this.#wait(name, left);
  }

  #wait(name: OpName, claimed: number): void {
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

  /** Scratch for all threads, kept for the next op. Returns its address. */
  #reserve(bytes: number, op: string): number {
    if (bytes > this.#scratchStride) {
      const stride = Math.ceil(bytes / lineBytes) * lineBytes;
      const grown = this.#heap.allocate(stride * this.#settings.threads, op);
      if (this.#scratch) this.#heap.free(this.#scratch);
      this.#scratch = grown;
      this.#scratchStride = stride;
    }
    return this.#scratch ? this.#scratch.start * lineBytes : 0;
  }
}
