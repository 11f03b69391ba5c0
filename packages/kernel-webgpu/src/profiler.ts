import { KernelError } from "@mamba/kernel";
import { mapRead, usage } from "./constants.ts";

/** One dispatch as the device saw it. */
export interface DispatchTime {
  /** The op that made it, and its shader. */
  readonly op: string;
  readonly shader: string;
  /** Bytes of all tensors, or pieces of them, that it reads and writes, each counted once. */
  readonly bytes: number;
  /** Time on the device; absent where the device has no `timestamp-query`. Browsers round it, Dawn to 65.5 µs. */
  readonly seconds: number | undefined;
}

/** Times each dispatch of the batches that are recorded while it is there. */
export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet | undefined;
  readonly #done: Promise<DispatchTime[]>[] = [];
  #recorded: Omit<DispatchTime, "seconds">[] = [];
  #submitted: (() => Promise<DispatchTime[]>) | undefined;

  /** @param most dispatches to a batch */
  constructor(device: GPUDevice, most: number) {
    this.#device = device;
    if (device.features.has("timestamp-query")) {
      this.#queries = device.createQuerySet({ label: "mamba: profile", type: "timestamp", count: 2 * most });
    }
  }

  /** Notes a dispatch, and how the pass that it has to itself is timed. */
  record(dispatch: Omit<DispatchTime, "seconds">): GPUComputePassDescriptor {
    const at = 2 * this.#recorded.length;
    this.#recorded.push(dispatch);
    const label = `mamba: ${dispatch.shader}`;
    if (!this.#queries) return { label };
    const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [at, at + 1];
    return {
      label,
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex, endOfPassWriteIndex },
    };
  }

  /** Records what brings the times of the batch back; the last of its commands. */
  resolve(encoder: GPUCommandEncoder): void {
    const batch = this.#recorded;
    this.#recorded = [];
    if (!this.#queries || batch.length === 0) {
      this.#submitted = () => Promise.resolve(batch.map((one) => ({ ...one, seconds: undefined })));
      return;
    }
    const size = batch.length * 16;
    const make = (flags: number) =>
      this.#device.createBuffer({ label: "mamba: profile", size, usage: flags | usage.copyTarget });
    const found = make(usage.queryResolve | usage.copySource);
    const staging = make(usage.mapRead);
    encoder.resolveQuerySet(this.#queries, 0, 2 * batch.length, found, 0);
    encoder.copyBufferToBuffer(found, 0, staging, 0, size);
    this.#submitted = async () => {
      try {
        await staging.mapAsync(mapRead);
        const times = new BigUint64Array(staging.getMappedRange());
        return batch.map((one, i) => {
          const nanoseconds = (times[2 * i + 1] as bigint) - (times[2 * i] as bigint);
          return { ...one, seconds: Number(nanoseconds) / 1e9 };
        });
      } finally {
        found.destroy();
        staging.destroy();
      }
    };
  }

  /** The batch went to the device. */
  submitted(): void {
    if (this.#submitted) this.#done.push(this.#submitted());
    this.#submitted = undefined;
  }

  /** All dispatches, in their order, once the device has done them. Ends the profile. */
  async end(): Promise<DispatchTime[]> {
    try {
      return (await Promise.all(this.#done)).flat();
    } catch (cause) {
      throw new KernelError("DRIVER", `profile: the times did not come back: ${String(cause)}`, { cause });
    } finally {
      this.#queries?.destroy();
    }
  }
}
