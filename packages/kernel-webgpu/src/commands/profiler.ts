import { KernelError } from "@mamba/kernel";
import { mapRead, usage } from "../device/constants.ts";

/** One dispatch with its time on the device. */
export interface DispatchTime {
  /** The op that recorded it. */
  readonly op: string;
  /** The name of its shader. */
  readonly shader: string;
  /** Bytes of all tensors, or chunks of them, that it reads and writes, each counted once. */
  readonly bytes: number;
  /** Time on the device; undefined when the device has no `timestamp-query`. Browsers round it, Dawn to 65.5 µs. */
  readonly seconds: number | undefined;
}

/** Times each dispatch of the batches that are recorded during a profile. */
export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet | undefined;
  readonly #done: Promise<DispatchTime[]>[] = [];
  #recorded: Omit<DispatchTime, "seconds">[] = [];
  #submitted: (() => Promise<DispatchTime[]>) | undefined;

  /** @param most dispatches per batch */
  constructor(device: GPUDevice, most: number) {
    this.#device = device;
    if (device.features.has("timestamp-query")) {
      this.#queries = device.createQuerySet({ label: "mamba: profile", type: "timestamp", count: 2 * most });
    }
  }

  /** Adds a dispatch. Returns the descriptor of its own pass, which writes the timestamps. */
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

  /** Records the copy of the timestamps to the host. These are the last commands of the batch. */
  resolve(encoder: GPUCommandEncoder): void {
    const batch = this.#recorded;
    this.#recorded = [];
    if (!this.#queries || batch.length === 0) {
      this.#submitted = () => Promise.resolve(batch.map((one) => ({ ...one, seconds: undefined })));
      return;
    }
    const size = batch.length * 16;
    const create = (flags: number) =>
      this.#device.createBuffer({ label: "mamba: profile", size, usage: flags | usage.copyTarget });
    const resolved = create(usage.queryResolve | usage.copySource);
    const staging = create(usage.mapRead);
    encoder.resolveQuerySet(this.#queries, 0, 2 * batch.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    this.#submitted = async () => {
      try {
        await staging.mapAsync(mapRead);
        const times = new BigUint64Array(staging.getMappedRange());
        return batch.map((one, i) => {
          const nanoseconds = (times[2 * i + 1] as bigint) - (times[2 * i] as bigint);
          return { ...one, seconds: Number(nanoseconds) / 1e9 };
        });
      } finally {
        resolved.destroy();
        staging.destroy();
      }
    };
  }

  /** Called after the batch was submitted: starts to read its timestamps. */
  submitted(): void {
    if (this.#submitted) this.#done.push(this.#submitted());
    this.#submitted = undefined;
  }

  /** Ends the profile. Resolves with all dispatches in order, after the device has run them. */
  async end(): Promise<DispatchTime[]> {
    try {
      return (await Promise.all(this.#done)).flat();
    } catch (cause) {
      throw new KernelError("DRIVER", `profile: the timestamps could not be read: ${String(cause)}`, {
        cause,
      });
    } finally {
      this.#queries?.destroy();
    }
  }
}
