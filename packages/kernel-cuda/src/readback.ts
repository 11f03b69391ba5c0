import { byteLength, type HostArray, isDense } from "@mamba/kernel";
import { copyRows } from "./copyRows.ts";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

const arrays = { f32: Float32Array, i32: Int32Array, f16: Uint16Array, bf16: Uint16Array } as const;

/** Brings results to the host. */
export class Readback {
  readonly #runtime: Runtime;
  readonly #pending = new Set<Promise<unknown>>();
  /** The ops that the device may still be at, by the read that waits for them. */
  readonly #running: ReadonlySet<string>[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Reads that were begun have ended, one way or the other. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** Dense host copies of `sources` as they are after all that was recorded until now. */
  async read(sources: readonly CudaTensor[]): Promise<HostArray[]> {
    const runtime = this.#runtime;
    const copies = sources.map((source) => (isDense(source) ? undefined : copyRows(runtime, "read", source)));
    const pieces = new Float64Array(2 * sources.length);
    sources.forEach((source, i) => {
      pieces[2 * i] = (copies[i] ?? source).address;
      pieces[2 * i + 1] = byteLength(source.dtype, source.shape);
    });
    const waiting = this.#wait("read", pieces);
    for (const copy of copies) copy?.dispose();
    const buffers = await waiting;
    return sources.map(({ dtype }, i) => new arrays[dtype](buffers[i] as ArrayBuffer));
  }

  /** Waits for what was recorded. */
  async sync(): Promise<void> {
    await this.#wait("sync", new Float64Array(0));
  }

  /** Submits, enqueues the copies before it returns, and gives them when they are there. */
  async #wait(op: string, pieces: Float64Array): Promise<ArrayBuffer[]> {
    const runtime = this.#runtime;
    runtime.flush(op);
    const ops = runtime.takeOps();
    this.#running.push(ops);
    let pending: Promise<ArrayBuffer[]> | undefined;
    try {
      pending = runtime.session.read(pieces);
      this.#pending.add(pending);
      const buffers = await pending;
      // Reads end in order.
      this.#running.splice(0, this.#running.indexOf(ops) + 1);
      return buffers;
    } catch (cause) {
      const suspects = [...new Set(this.#running.flatMap((set) => [...set]))].join(", ");
      throw runtime.failed(suspects === "" ? op : `${op}, after ${suspects}`, cause);
    } finally {
      if (pending) this.#pending.delete(pending);
    }
  }
}
