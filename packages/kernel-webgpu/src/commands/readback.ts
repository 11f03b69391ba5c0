import {
  elementCount,
  type HostArray,
  hostArray,
  isDense,
  isQuantized,
  KernelError,
  lastExtent,
} from "@mamba/kernel";
import { sizeClass } from "@mamba/kernel/author";
import { mapRead, usage } from "../device/constants.ts";
import { withErrorScopes } from "../device/errorScopes.ts";
import { storageError, type WebGpuTensor } from "../memory/tensor.ts";
import { storedBytes, storedOffset } from "../quantized/layouts.ts";
import { unpack } from "../quantized/repack.ts";
import type { Runtime } from "../runtime.ts";
import { copyRows } from "../shared/copyRows.ts";

/** Copies tensors to the host, through buffers that the host can map and that are reused. */
export class Readback {
  readonly #runtime: Runtime;
  readonly #lost: Promise<KernelError>;
  readonly #free: GPUBuffer[] = [];
  readonly #pending = new Set<Promise<unknown>>();

  /** @param lost ends every pending read */
  constructor(runtime: Runtime, lost: Promise<KernelError>) {
    this.#runtime = runtime;
    this.#lost = lost;
  }

  /** Resolves when all reads that were started have ended, with a result or an error. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** Returns dense host copies of `sources`, after all commands recorded so far. */
  read(sources: readonly WebGpuTensor[]): Promise<HostArray[]> {
    const runtime = this.#runtime;
    const storages = sources.map((source) => source.storage);
    let total = 0;
    const offsets = sources.map((source) => {
      const at = total;
      // Mapped ranges start at multiples of 8.
      total += Math.ceil(storedBytes(source.dtype, source.shape) / 8) * 8;
      return at;
    });
    if (total === 0) return Promise.resolve([]);
    const { buffer: staging, refused } = this.#take(total);
    sources.forEach((source, i) => {
      const dense = isDense(source) ? source : copyRows(runtime, "read", source);
      const from = storedOffset(dense, dense.offset);
      const bytes = Math.ceil(storedBytes(dense.dtype, dense.shape) / 4) * 4;
      runtime.commands.copy("read", dense.storage.buffer, from, staging, offsets[i] ?? 0, bytes);
      if (dense !== source) dense.dispose();
    });
    const outcome = runtime.commands.flush();
    const work = async (): Promise<HostArray[]> => {
      const failure = (await refused) ?? (await this.#map(staging, total));
      const workError = (await refused) ?? (await outcome) ?? storages.map(storageError).find((each) => each);
      // When the work failed, mapping may fail too, with a less useful error.
      const error = failure?.code === "DRIVER" ? (workError ?? failure) : (failure ?? workError);
      if (error) {
        staging.destroy();
        runtime.takeError();
        throw new KernelError(error.code, `read: ${error.message}`, { cause: error });
      }
      const range = staging.getMappedRange(0, total);
      const results = sources.map(({ dtype, shape }, i) => {
        const data = hostArray(dtype, elementCount(shape));
        const offset = offsets[i] ?? 0;
        if (isQuantized(dtype)) {
          const words = new Uint32Array(range, offset, storedBytes(dtype, shape) / 4);
          unpack(dtype, lastExtent(shape), words, new Uint16Array(data.buffer));
        } else new Uint8Array(data.buffer).set(new Uint8Array(range, offset, data.byteLength));
        return data;
      });
      staging.unmap();
      this.#free.push(staging);
      return results;
    };
    const pending = work();
    this.#pending.add(pending);
    const remove = (): void => {
      this.#pending.delete(pending);
    };
    pending.then(remove, remove);
    return pending;
  }

  /** Waits for all recorded work. Rejects with the first error of that work which no read has reported. */
  async sync(): Promise<void> {
    const runtime = this.#runtime;
    const outcome = runtime.commands.flush();
    const done = runtime.device.queue.onSubmittedWorkDone().then(() => undefined);
    const failure = await Promise.race([this.#lost, done]);
    await outcome;
    const error = failure ?? runtime.takeError();
    if (error) throw new KernelError(error.code, `sync: ${error.message}`, { cause: error });
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

  /** Mapping fails when the device is lost, and may fail before `device.lost` resolves. */
  async #lossAfter(): Promise<KernelError | undefined> {
    const soon = new Promise<undefined>((resolve) => setTimeout(resolve, 100));
    return Promise.race([this.#lost, soon]);
  }

  /** Returns a buffer of at least `bytes`; `refused` resolves with the error when its allocation failed. */
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
    const { value: buffer, outcome: refused } = withErrorScopes(device, label, () =>
      device.createBuffer(descriptor),
    );
    return { buffer, refused };
  }
}
