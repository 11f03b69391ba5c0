import { type DType, dtypeBytes, elementCount, KernelError, type Shape, type Tensor } from "@mamba/kernel";
import { BindGroups } from "./bind-groups.ts";
import { Commands } from "./commands.ts";
import { type Bound, Dispatcher } from "./dispatcher.ts";
import { Packs } from "./pack.ts";
import { Pipelines } from "./pipelines.ts";
import { BufferPool } from "./pool.ts";
import type { Shader } from "./shader.ts";
import { type Storage, WebGpuTensor } from "./tensor.ts";

/** What tests make small, to run what is for large tensors. */
export interface Tuning {
  readonly pieceBytes?: number;
}

/** What the ops stand on: tensors, shaders and the commands being recorded. */
export class Runtime {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly commands: Commands;
  readonly groups: BindGroups;
  readonly packs: Packs;
  /** Larger tables are taken in pieces. */
  readonly pieceBytes: number;
  readonly pipelines: Pipelines;
  readonly #dispatcher: Dispatcher;
  /** Results and temporaries of the op being called, given up again when it fails half-way. */
  readonly #results: WebGpuTensor[] = [];
  #tensors = 0;
  #bytes = 0;
  #failure: KernelError | undefined;
  #fault: KernelError | undefined;

  constructor(device: GPUDevice, tuning: Tuning = {}) {
    this.device = device;
    // A piece starts up to 256 bytes before its first row.
    this.pieceBytes = tuning.pieceBytes ?? device.limits.maxStorageBufferBindingSize - 256;
    // What follows from an earlier fault is told as that one.
    const fault = (error: KernelError): KernelError => (this.#fault ??= error);
    this.pipelines = Pipelines.of(device);
    this.pool = new BufferPool(device, fault);
    this.commands = new Commands(device, this.pipelines.paramLayout, {
      submit: () => {
        this.pool.trim();
      },
      fault,
    });
    this.groups = new BindGroups(device);
    this.packs = new Packs(this);
    this.#dispatcher = new Dispatcher(this, fault);
  }

  /** Live handles, and the bytes behind them. */
  get memory(): { readonly tensors: number; readonly bytes: number } {
    return { tensors: this.#tensors, bytes: this.#bytes };
  }

  /** Every later call fails like this. */
  close(failure: KernelError): void {
    this.#failure ??= failure;
  }

  /** Why the kernel is gone, if it is. */
  get failure(): KernelError | undefined {
    return this.#failure;
  }

  /** The first fault of enqueued work that nobody has heard of yet; asking is hearing. */
  takeFault(): KernelError | undefined {
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  /** The first thing each op calls after its argument checks. @throws KernelError `DISPOSED` or `DEVICE_LOST` */
  checkOpen(op: string): void {
    const failure = this.#failure;
    if (failure) throw new KernelError(failure.code, `${op}: ${failure.message}`, { cause: failure });
    this.#results.length = 0;
  }

  /** The tensor as one of ours. @throws KernelError `FOREIGN_TENSOR` */
  own(op: string, name: string, tensor: Tensor): WebGpuTensor {
    if (tensor instanceof WebGpuTensor && tensor.runtime === this) return tensor;
    this.#dropResults();
    throw new KernelError("FOREIGN_TENSOR", `${op}: ${name} belongs to another kernel`);
  }

  /** As `own`, for arguments that may be absent. */
  ownIf(op: string, name: string, tensor: Tensor | undefined): WebGpuTensor | undefined {
    return tensor === undefined ? undefined : this.own(op, name, tensor);
  }

  /**
   * A dense tensor with undefined content.
   *
   * @param idle whether the host writes to it next: that jumps the queue of recorded commands
   */
  allocate(op: string, shape: Shape, dtype: DType, idle = false): WebGpuTensor {
    const bytes = elementCount(shape) * dtypeBytes[dtype];
    const buffer = this.pool.take(bytes, `${op}: allocation`, idle ? this.commands.serial : undefined);
    this.#bytes += bytes;
    this.#tensors++;
    const storage: Storage = { buffer, bytes, handles: 1, counted: true, version: 0, fault: undefined };
    return new WebGpuTensor(this, storage, dtype, shape, shape[shape.length - 1] ?? 0, 0);
  }

  /** A tensor that is the kernel's own, not the caller's: `memory` does not count it. */
  hidden(op: string, words: number): WebGpuTensor {
    const buffer = this.pool.take(words * 4, `${op}: allocation`);
    buffer.touched = true;
    const storage: Storage = {
      buffer,
      bytes: words * 4,
      handles: 1,
      counted: false,
      version: 0,
      fault: undefined,
    };
    return new WebGpuTensor(this, storage, "f32", [words], words, 0);
  }

  /** As `allocate`, for what the op being called makes: a result, or a temporary that it disposes before it returns. */
  result(op: string, shape: Shape, dtype: DType = "f32"): WebGpuTensor {
    const tensor = this.allocate(op, shape, dtype);
    tensor.storage.buffer.touched = true;
    this.#results.push(tensor);
    return tensor;
  }

  /** Another handle on the memory of `x`. */
  view(x: WebGpuTensor, shape: Shape, rowStride: number, offset: number): WebGpuTensor {
    x.storage.handles++;
    this.#tensors++;
    return new WebGpuTensor(this, x.storage, x.dtype, shape, rowStride, offset);
  }

  /** One handle on `storage` is gone. */
  release(storage: Storage): void {
    if (storage.counted) this.#tensors--;
    if (--storage.handles > 0) return;
    if (storage.counted) this.#bytes -= storage.bytes;
    this.pool.give(storage.buffer);
    this.packs.forget(storage);
  }

  /**
   * Records one dispatch. Buffers and parameters go by the names that the shader gives them. A tensor that is both read
   * and written is read as it was before.
   *
   * @param groups workgroups, any number
   * @throws KernelError `OUT_OF_MEMORY` for what is too large to be bound, or the fault of the work that made an argument
   */
  run<R extends string, W extends string, P extends string>(
    op: string,
    shader: Shader<R, W, P>,
    buffers: Readonly<Record<R | W, Bound>>,
    params: Readonly<Record<P, number>>,
    groups: number,
  ): void {
    try {
      this.#dispatcher.run(op, shader, buffers, params, groups);
    } catch (error) {
      this.#dropResults();
      throw error;
    }
  }

  /** Gives all memory of the device back. */
  destroy(): void {
    this.pool.destroy();
    this.commands.destroy();
  }

  #dropResults(): void {
    for (const tensor of this.#results) tensor.dispose();
    this.#results.length = 0;
  }
}
