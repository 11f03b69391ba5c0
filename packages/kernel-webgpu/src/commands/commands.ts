import type { HostArray, KernelError } from "@mamba/kernel";
import { usage } from "../device/constants.ts";
import { withErrorScopes } from "../device/errorScopes.ts";
import type { PooledBuffer } from "../memory/bufferPool.ts";
import type { Storage } from "../memory/tensor.ts";
import { paramWords } from "../shader.ts";
import { type DispatchTime, Profiler } from "./profiler.ts";

/** Dispatches per submission: a decoding step of 64 layers takes fewer. */
const slots = 1024;
/** The largest grid in one dimension. */
const maxGroups = 65535;

/**
 * Records commands and submits them in batches: when a tensor is read, when the host writes to memory that recorded
 * commands use, and when all parameter slots are taken.
 */
export class Commands {
  /** Parameters of the batch: a slot of `paramWords` for each dispatch. */
  readonly words = new Uint32Array(slots * paramWords);
  /** The memory of `words` as floats. */
  readonly floats = new Float32Array(this.words.buffer);
  readonly #device: GPUDevice;
  readonly #params: GPUBuffer;
  readonly #paramGroup: GPUBindGroup;
  readonly #offset = new Uint32Array(1);
  readonly #afterSubmit: () => void;
  readonly #onError: (error: KernelError) => KernelError;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #pipeline: GPUComputePipeline | undefined;
  #used = 0;
  #serial = 1;
  #ops = new Set<string>();
  #written = new Set<Storage>();
  #dispatches = 0;
  #bytes = 0;
  #profiler: Profiler | undefined;
  #submissions = 0;
  #outcome: Promise<KernelError | undefined> = Promise.resolve(undefined);

  /**
   * @param on `submit` runs after each submission. `error` runs when a submission fails, in which case none of its commands
   * ran, and returns the error to report.
   */
  constructor(
    device: GPUDevice,
    paramLayout: GPUBindGroupLayout,
    on: { readonly submit: () => void; readonly error: (error: KernelError) => KernelError },
  ) {
    this.#device = device;
    this.#afterSubmit = on.submit;
    this.#onError = on.error;
    const size = this.words.byteLength;
    this.#params = device.createBuffer({
      label: "mamba: parameters",
      size,
      usage: usage.uniform | usage.copyTarget,
    });
    this.#paramGroup = device.createBindGroup({
      label: "mamba: parameters",
      layout: paramLayout,
      entries: [{ binding: 0, resource: { buffer: this.#params, offset: 0, size: paramWords * 4 } }],
    });
  }

  /** The number of the batch being recorded. */
  get serial(): number {
    return this.#serial;
  }

  /** Work submitted or recorded so far. */
  get counts(): { readonly dispatches: number; readonly submissions: number; readonly bytes: number } {
    return { dispatches: this.#dispatches, submissions: this.#submissions, bytes: this.#bytes };
  }

  /** Times all dispatches that are recorded from here on. */
  startProfile(): void {
    void this.flush();
    this.#profiler = new Profiler(this.#device, slots);
  }

  /** Submits the rest of the profile and returns the times of all dispatches since `startProfile`. */
  async endProfile(): Promise<readonly DispatchTime[]> {
    void this.flush();
    const profiler = this.#profiler;
    this.#profiler = undefined;
    return profiler ? profiler.end() : [];
  }

  /** The index in `words` of the parameters of the next dispatch. */
  slot(): number {
    if (this.#used === slots) void this.flush();
    return this.#used * paramWords;
  }

  /** Records that the batch uses a buffer. */
  use(buffer: PooledBuffer): void {
    buffer.lastBatch = this.#serial;
  }

  /** Records that the batch writes to a memory. */
  write(storage: Storage): void {
    storage.buffer.lastBatch = this.#serial;
    this.#written.add(storage);
  }

  /** Runs `groups` workgroups, which read and write `bytes`, with the parameters in the last slot returned by `slot`. */
  dispatch(
    { op, shader, bytes }: Omit<DispatchTime, "seconds">,
    pipeline: GPUComputePipeline,
    buffers: GPUBindGroup,
    groups: number,
  ): void {
    if (this.#profiler) this.#endPass();
    const pass = (this.#pass ??= this.#begin().beginComputePass(
      this.#profiler?.record({ op, shader, bytes }) ?? { label: "mamba" },
    ));
    if (this.#pipeline !== pipeline) pass.setPipeline((this.#pipeline = pipeline));
    this.#offset[0] = this.#used++ * paramWords * 4;
    pass.setBindGroup(0, this.#paramGroup, this.#offset, 0, 1);
    pass.setBindGroup(1, buffers);
    const rows = Math.ceil(groups / maxGroups);
    pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
    this.#ops.add(op);
    this.#dispatches++;
    this.#bytes += bytes;
  }

  /** Copies bytes; all counts are multiples of 4. */
  copy(
    op: string,
    source: PooledBuffer,
    from: number,
    target: GPUBuffer | PooledBuffer,
    to: number,
    bytes: number,
  ): void {
    this.use(source);
    if ("gpu" in target) this.use(target);
    this.#copies(op).copyBufferToBuffer(source.gpu, from, "gpu" in target ? target.gpu : target, to, bytes);
  }

  /** Fills bytes of a buffer with zeros; both counts are multiples of 4. */
  clear(op: string, target: PooledBuffer, at: number, bytes: number): void {
    this.use(target);
    this.#copies(op).clearBuffer(target.gpu, at, bytes);
  }

  /**
   * Copies the first `bytes` bytes of `data`, a multiple of 4, to byte `at` of a memory, after all commands recorded so far.
   */
  upload(storage: Storage, at: number, data: HostArray | Uint32Array, bytes: number): void {
    if (storage.buffer.lastBatch >= this.#serial) void this.flush();
    const source = data.buffer as ArrayBuffer;
    this.#device.queue.writeBuffer(storage.buffer.gpu, at, source, data.byteOffset, bytes);
  }

  /** Submits the recorded commands. Resolves with the error of this batch or, when it is empty, of the last one. */
  flush(): Promise<KernelError | undefined> {
    const encoder = this.#encoder;
    if (!encoder) return this.#outcome;
    const written = this.#written;
    const { outcome } = withErrorScopes(this.#device, [...this.#ops].join(", "), () => {
      this.#pass?.end();
      this.#profiler?.resolve(encoder);
      const { queue } = this.#device;
      if (this.#used > 0) queue.writeBuffer(this.#params, 0, this.words, 0, this.#used * paramWords);
      queue.submit([encoder.finish()]);
      this.#profiler?.submitted();
    });
    this.#outcome = outcome.then((error) => {
      const reported = error && this.#onError(error);
      if (reported) for (const storage of written) storage.error ??= reported;
      return reported;
    });
    this.#encoder = this.#pass = this.#pipeline = undefined;
    this.#ops = new Set();
    this.#written = new Set();
    this.#used = 0;
    this.#serial++;
    this.#submissions++;
    this.#afterSubmit();
    return this.#outcome;
  }

  destroy(): void {
    this.#params.destroy();
  }

  #begin(): GPUCommandEncoder {
    return (this.#encoder ??= this.#device.createCommandEncoder({ label: "mamba" }));
  }

  #copies(op: string): GPUCommandEncoder {
    this.#endPass();
    this.#ops.add(op);
    return this.#begin();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = this.#pipeline = undefined;
  }
}
