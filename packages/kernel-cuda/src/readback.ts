import { byteLength, formats, type HostArray, isDense, isQuantized } from "@mamba/kernel";
import { copyRows } from "./copyRows.ts";
import { canonicalBlocks } from "./quantized.ts";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

/** Copies tensors to the host. */
export class Readback {
  readonly #runtime: Runtime;
  readonly #pending = new Set<Promise<unknown>>();
  /** Ops that the device may still be running, one set for each read that waits for them. */
  readonly #running: ReadonlySet<string>[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Waits until all pending reads have resolved or rejected. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** Returns dense host copies of `sources` after all work recorded so far. */
  async read(sources: readonly CudaTensor[]): Promise<HostArray[]> {
    const runtime = this.#runtime;
    const copies = sources.map((source) => {
      if (isQuantized(source.dtype)) return canonicalBlocks(runtime, "read", source);
      return isDense(source) ? undefined : copyRows(runtime, "read", source);
    });
    const chunks = new Float64Array(2 * sources.length);
    sources.forEach((source, i) => {
      chunks[2 * i] = (copies[i] ?? source).address;
      chunks[2 * i + 1] = byteLength(source.dtype, source.shape);
    });
    const waiting = this.#wait("read", chunks);
    for (const copy of copies) copy?.dispose();
    const buffers = await waiting;
    return sources.map(({ dtype }, i) => new formats[dtype].hostArray(buffers[i] as ArrayBuffer));
  }

  /** Waits for all recorded work. */
  async sync(): Promise<void> {
    await this.#wait("sync", new Float64Array(0));
  }

  /** Submits the recorded work and enqueues the copies, both before it returns; resolves with the copies. */
  async #wait(op: string, chunks: Float64Array): Promise<ArrayBuffer[]> {
    const runtime = this.#runtime;
    runtime.flush(op);
    const ops = runtime.takeOps();
    this.#running.push(ops);
    let pending: Promise<ArrayBuffer[]> | undefined;
    try {
      pending = runtime.session.read(chunks);
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
