import { byteLength, type DType, type KernelError, type Shape } from "@mamba/kernel";
import { TensorOwner } from "@mamba/kernel/author";
import { BindGroups } from "./commands/bindGroups.ts";
import { Commands } from "./commands/commands.ts";
import { type BufferArgument, Dispatcher } from "./commands/dispatcher.ts";
import { Pipelines } from "./commands/pipelines.ts";
import { type Traits, traitsOf } from "./device/traits.ts";
import { BufferPool } from "./memory/bufferPool.ts";
import { Packs } from "./memory/packs.ts";
import { type Storage, WebGpuTensor } from "./memory/tensor.ts";
import { storedBytes } from "./quantized/layouts.ts";
import type { Shader } from "./shader.ts";

/** Settings for tests: they select the code for large tensors and for other devices. */
export interface Tuning extends Partial<Traits> {
  /** See `Runtime.chunkBytes`. */
  readonly chunkBytes?: number;
  /** Positions per chunk of every scan. */
  readonly scanChunk?: number;
}

/** The state of one kernel that its ops use: tensors, and `run`, which records a dispatch. */
export class Runtime extends TensorOwner<Storage, WebGpuTensor> {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly commands: Commands;
  readonly bindGroups: BindGroups;
  readonly packs: Packs;
  readonly pipelines: Pipelines;
  readonly traits: Traits;
  /** Larger tensors are processed in chunks of at most this many bytes. */
  readonly chunkBytes: number;
  /** Positions per chunk of every scan. Undefined: chosen from the sizes of the scan. */
  readonly scanChunk: number | undefined;
  readonly #dispatcher: Dispatcher;
  #error: KernelError | undefined;

  constructor(device: GPUDevice, tuning: Tuning = {}) {
    super();
    this.device = device;
    const { chunkBytes, scanChunk, ...traits } = tuning;
    this.traits = traitsOf(device, traits);
    this.scanChunk = scanChunk;
    // The binding of a chunk starts up to 256 bytes before its first row.
    this.chunkBytes = chunkBytes ?? device.limits.maxStorageBufferBindingSize - 256;
    // Errors caused by an earlier error are reported as the earlier one.
    const onError = (error: KernelError): KernelError => (this.#error ??= error);
    this.pipelines = Pipelines.of(device);
    this.pool = new BufferPool(device, onError);
    this.commands = new Commands(device, this.pipelines.paramLayout, {
      submit: () => {
        this.pool.trim();
      },
      error: onError,
    });
    this.bindGroups = new BindGroups(device);
    this.packs = new Packs(this);
    this.#dispatcher = new Dispatcher(this, onError);
  }

  /** Returns and clears the first unreported error of enqueued work. */
  takeError(): KernelError | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /**
   * Returns a dense tensor with undefined content.
   *
   * @param idle true when the host writes to it next: such a write runs before all recorded commands
   */
  allocate(op: string, shape: Shape, dtype: DType, idle = false): WebGpuTensor {
    const bytes = storedBytes(dtype, shape);
    const buffer = this.pool.take(bytes, `${op}: allocation`, idle ? this.commands.serial : undefined);
    return this.adopt({ buffer, bytes, handles: 0, version: 0, error: undefined }, dtype, shape);
  }

  /** Returns a tensor that belongs to the kernel, not to its caller: `memory` does not count it. */
  hidden(op: string, words: number): WebGpuTensor {
    const shape = [words];
    const bytes = byteLength("f32", shape);
    const buffer = this.pool.take(bytes, `${op}: allocation`);
    buffer.used = true;
    const storage = { buffer, bytes, handles: 0, hidden: true, version: 0, error: undefined };
    return this.adopt(storage, "f32", shape);
  }

  /** Like `allocate`, for a tensor that the running op creates: a result, or a temporary that it disposes before it returns. */
  result(op: string, shape: Shape, dtype: DType = "f32"): WebGpuTensor {
    const tensor = this.allocate(op, shape, dtype);
    tensor.storage.buffer.used = true;
    return this.keepResult(tensor);
  }

  /**
   * Records one dispatch. Buffers and parameters have the names that the shader declares. A tensor that is both read and
   * written is read as it was before the dispatch.
   *
   * @param groups number of workgroups, without a limit
   * @throws KernelError `OUT_OF_MEMORY` for a tensor larger than the largest binding, or the error of the work that should
   * have written an argument
   */
  run<R extends string, W extends string, P extends string>(
    op: string,
    shader: Shader<R, W, P>,
    buffers: Readonly<Record<R | W, BufferArgument>>,
    params: Readonly<Record<P, number>>,
    groups: number,
  ): void {
    try {
      this.#dispatcher.run(op, shader, buffers, params, groups);
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }

  /** Frees all memory of the device. */
  destroy(): void {
    this.pool.destroy();
    this.commands.destroy();
  }

  protected handle(
    storage: Storage,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ): WebGpuTensor {
    return new WebGpuTensor(this, storage, dtype, shape, rowStride, offset);
  }

  protected free(storage: Storage): void {
    this.pool.give(storage.buffer);
    this.packs.forget(storage);
  }
}
