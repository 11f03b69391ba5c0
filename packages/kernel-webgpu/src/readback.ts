import { byteLength, elementCount, type HostArray, hostArray, isDense, KernelError } from "@mamba/kernel";
import { sizeClass } from "@mamba/kernel/author";
import { mapRead, usage } from "./constants.ts";
import { copyRows } from "./ops/copyRows.ts";
import type { Runtime } from "./runtime.ts";
import { faultOf, type WebGpuTensor } from "./tensor.ts";
import { watched } from "./watch.ts";

/** Buffers that the host can map, kept for the next read. */
export class Readback {
  readonly #runtime: Runtime;
  readonly #lost: Promise<KernelError>;
  readonly #free: GPUBuffer[] = [];
  readonly #pending = new Set<Promise<unknown>>();

  /** @param lost ends every read that still waits */
  constructor(runtime: Runtime, lost: Promise<KernelError>) {
    this.#runtime = runtime;
    this.#lost = lost;
  }

  /** Reads that were begun have ended, one way or the other. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** Dense host copies of `sources` as they are after all that was recorded until now. */
  read(sources: readonly WebGpuTensor[]): Promise<HostArray[]> {
    const runtime = this.#runtime;
    const storages = sources.map((source) => source.storage);
    let total = 0;
    const places = sources.map((source) => {
      const at = total;
      // Mapped ranges start at multiples of 8.
      total += Math.ceil(byteLength(source.dtype, source.shape) / 8) * 8;
      return at;
    });
    if (total === 0) return Promise.resolve([]);
    const { buffer: staging, refused } = this.#take(total);
    sources.forEach((source, i) => {
      const dense = isDense(source) ? source : copyRows(runtime, "read", source);
      const bytes = Math.ceil(dense.storage.bytes / 4) * 4;
      runtime.commands.copy("read", dense.storage.buffer, 0, staging, places[i] as number, bytes);
      if (dense !== source) dense.dispose();
    });
    const outcome = runtime.commands.flush();
    const work = async (): Promise<HostArray[]> => {
      const failure = (await refused) ?? (await this.#map(staging, total));
      const fault = (await refused) ?? (await outcome) ?? storages.map(faultOf).find((each) => each);
      // Where work failed, mapping may fail too, and says less about it.
      const why = failure?.code === "DRIVER" ? (fault ?? failure) : (failure ?? fault);
      if (why) {
        staging.destroy();
        runtime.takeFault();
        throw new KernelError(why.code, `read: ${why.message}`, { cause: why });
      }
      const range = staging.getMappedRange(0, total);
      const results = sources.map(({ dtype, shape }, i) => {
        const data = hostArray(dtype, elementCount(shape));
        const bytes = new Uint8Array(range, places[i], data.byteLength);
        new Uint8Array(data.buffer).set(bytes);
        return data;
      });
      staging.unmap();
      this.#free.push(staging);
      return results;
    };
    const pending = work();
    this.#pending.add(pending);
    const forget = (): void => {
      this.#pending.delete(pending);
    };
    pending.then(forget, forget);
    return pending;
  }

  /** Waits for what was recorded. Rejects with a fault that no read has told of. */
  async sync(): Promise<void> {
    const runtime = this.#runtime;
    const outcome = runtime.commands.flush();
    const done = runtime.device.queue.onSubmittedWorkDone().then(() => undefined);
    const failure = await Promise.race([this.#lost, done]);
    await outcome;
    const fault = failure ?? runtime.takeFault();
    if (fault) throw new KernelError(fault.code, `sync: ${fault.message}`, { cause: fault });
  }

  destroy(): void {
    for (const buffer of this.#free) buffer.destroy();
    this.#free.length = 0;
  }

  async #map(staging: GPUBuffer, bytes: number): Promise<KernelError | undefined> {
    const mapped = staging.mapAsync(mapRead, 0, bytes).then(() => undefined);
    return Promise.race([this.#lost, mapped]).catch(async (cause: unknown) => {
      return (await this.#lossAfter()) ?? new KernelError("DRIVER", `read: ${String(cause)}`, { cause });
    });
  }

  /** Mapping fails when the device is lost, and may do so before the loss itself is told. */
  async #lossAfter(): Promise<KernelError | undefined> {
    const soon = new Promise<undefined>((resolve) => setTimeout(resolve, 100));
    return Promise.race([this.#lost, soon]);
  }

  /** A buffer of at least `bytes`, and why there is no memory behind it, if so. */
  #take(bytes: number): { buffer: GPUBuffer; refused?: Promise<KernelError | undefined> } {
    const fits = this.#free.findIndex(
      (buffer) => buffer.size >= bytes && buffer.size <= 4 * sizeClass(bytes),
    );
    if (fits >= 0) return { buffer: this.#free.splice(fits, 1)[0] as GPUBuffer };
    // A few sizes are in use at a time: an id, a row of logits, a state.
    for (const buffer of this.#free.splice(0, this.#free.length - 7)) buffer.destroy();
    const { device } = this.#runtime;
    const label = "mamba: read";
    const descriptor = { label, size: sizeClass(bytes), usage: usage.mapRead | usage.copyTarget };
    const { value: buffer, outcome: refused } = watched(device, label, () => device.createBuffer(descriptor));
    return { buffer, refused };
  }
}
