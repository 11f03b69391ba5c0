import type { HostArray, KernelError } from "@mamba/kernel";
import { usage } from "./constants.ts";
import type { PooledBuffer } from "./pool.ts";
import { type DispatchTime, Profiler } from "./profiler.ts";
import { paramWords } from "./shader.ts";
import type { Storage } from "./tensor.ts";
import { watched } from "./watch.ts";

/** Dispatches per submission: more than a decoding step of 64 layers takes. */
const slots = 1024;
/** The largest grid in one dimension. */
const maxGroups = 65535;

/**
 * Records commands and submits them in batches: when something is read, when the host writes to memory that recorded
 * commands use, and when the slots for parameters run out.
 */
export class Commands {
  /** Parameters of the batch, a slot of `paramWords` for each dispatch; the same memory as floats. */
  readonly words = new Uint32Array(slots * paramWords);
  readonly floats = new Float32Array(this.words.buffer);
  readonly #device: GPUDevice;
  readonly #params: GPUBuffer;
  readonly #paramGroup: GPUBindGroup;
  readonly #offset = new Uint32Array(1);
  readonly #afterSubmit: () => void;
  readonly #onFault: (error: KernelError) => KernelError;
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
   * @param on what to do after each submission, and when one fails, as nothing of it was done: `fault` says how to tell it
   */
  constructor(
    device: GPUDevice,
    paramLayout: GPUBindGroupLayout,
    on: { readonly submit: () => void; readonly fault: (error: KernelError) => KernelError },
  ) {
    this.#device = device;
    this.#afterSubmit = on.submit;
    this.#onFault = on.fault;
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

  /** What went to the device so far. */
  get counts(): { readonly dispatches: number; readonly submissions: number; readonly bytes: number } {
    return { dispatches: this.#dispatches, submissions: this.#submissions, bytes: this.#bytes };
  }

  /** Times what is recorded from here on. */
  startProfile(): void {
    void this.flush();
    this.#profiler = new Profiler(this.#device, slots);
  }

  /** What was recorded since `startProfile`, done. */
  async endProfile(): Promise<readonly DispatchTime[]> {
    void this.flush();
    const profiler = this.#profiler;
    this.#profiler = undefined;
    return profiler ? profiler.end() : [];
  }

  /** Where the next dispatch puts its parameters, an index into `words`. */
  slot(): number {
    if (this.#used === slots) void this.flush();
    return this.#used * paramWords;
  }

  /** Notes that the batch uses a buffer. */
  use(buffer: PooledBuffer): void {
    buffer.lastBatch = this.#serial;
  }

  /** Notes that the batch writes. */
  write(storage: Storage): void {
    storage.buffer.lastBatch = this.#serial;
    this.#written.add(storage);
  }

  /** Runs `groups` workgroups, which read and write `bytes`, with the parameters in the slot that was asked for last. */
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

  /** The host overwrites bytes of `storage`, after all that was recorded: `bytes`, a multiple of 4, from the start of `data`. */
  upload(storage: Storage, at: number, data: HostArray, bytes: number): void {
    if (storage.buffer.lastBatch >= this.#serial) void this.flush();
    const source = data.buffer as ArrayBuffer;
    this.#device.queue.writeBuffer(storage.buffer.gpu, at, source, data.byteOffset, bytes);
  }

  /** Submits what was recorded. The promise gives the error of that or, when there is nothing, of the last batch. */
  flush(): Promise<KernelError | undefined> {
    const encoder = this.#encoder;
    if (!encoder) return this.#outcome;
    const written = this.#written;
    const { outcome } = watched(this.#device, [...this.#ops].join(", "), () => {
      this.#pass?.end();
      this.#profiler?.resolve(encoder);
      const { queue } = this.#device;
      if (this.#used > 0) queue.writeBuffer(this.#params, 0, this.words, 0, this.#used * paramWords);
      queue.submit([encoder.finish()]);
      this.#profiler?.submitted();
    });
    this.#outcome = outcome.then((error) => {
      const fault = error && this.#onFault(error);
      if (fault) for (const storage of written) storage.fault ??= fault;
      return fault;
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
