import { byteLength, type DType, type KernelError, type Shape } from "@mamba/kernel";
import { TensorOwner } from "@mamba/kernel/author";
import { BindGroups } from "./bind-groups.ts";
import { Commands } from "./commands.ts";
import { type Bound, Dispatcher } from "./dispatcher.ts";
import { Packs } from "./pack.ts";
import { Pipelines } from "./pipelines.ts";
import { BufferPool } from "./pool.ts";
import type { Shader } from "./shader.ts";
import { type Storage, WebGpuTensor } from "./tensor.ts";
import { type Traits, traitsOf } from "./traits.ts";

/** What tests set, to run what is for large tensors, and for other devices than theirs. */
export interface Tuning extends Partial<Traits> {
  readonly pieceBytes?: number;
  /** Positions to a span of every scan. */
  readonly scanSpan?: number;
}

/** What the ops stand on: tensors, shaders and the commands being recorded. */
export class Runtime extends TensorOwner<Storage, WebGpuTensor> {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly commands: Commands;
  readonly groups: BindGroups;
  readonly packs: Packs;
  /** Larger tables are taken in pieces. */
  readonly pieceBytes: number;
  readonly pipelines: Pipelines;
  /** How long the spans of a scan are, if not as its sizes ask for. */
  readonly scanSpan: number | undefined;
  readonly traits: Traits;
  readonly #dispatcher: Dispatcher;
  #fault: KernelError | undefined;

  constructor(device: GPUDevice, tuning: Tuning = {}) {
    super();
    this.device = device;
    const { pieceBytes, scanSpan, ...traits } = tuning;
    this.traits = { ...traitsOf(device), ...traits };
    this.scanSpan = scanSpan;
    // A piece starts up to 256 bytes before its first row.
    this.pieceBytes = pieceBytes ?? device.limits.maxStorageBufferBindingSize - 256;
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

  /** The first fault of enqueued work that nobody has heard of yet; asking is hearing. */
  takeFault(): KernelError | undefined {
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  /**
   * A dense tensor with undefined content.
   *
   * @param idle whether the host writes to it next: that jumps the queue of recorded commands
   */
  allocate(op: string, shape: Shape, dtype: DType, idle = false): WebGpuTensor {
    const bytes = byteLength(dtype, shape);
    const buffer = this.pool.take(bytes, `${op}: allocation`, idle ? this.commands.serial : undefined);
    return this.adopt({ buffer, bytes, handles: 0, version: 0, fault: undefined }, dtype, shape);
  }

  /** A tensor that is the kernel's own, not the caller's: `memory` does not count it. */
  hidden(op: string, words: number): WebGpuTensor {
    const bytes = words * 4;
    const buffer = this.pool.take(bytes, `${op}: allocation`);
    buffer.touched = true;
    const storage = { buffer, bytes, handles: 0, hidden: true, version: 0, fault: undefined };
    return this.adopt(storage, "f32", [words]);
  }

  /** As `allocate`, for what the op being called makes: a result, or a temporary that it disposes before it returns. */
  result(op: string, shape: Shape, dtype: DType = "f32"): WebGpuTensor {
    const tensor = this.allocate(op, shape, dtype);
    tensor.storage.buffer.touched = true;
    return this.keepResult(tensor);
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
      this.dropResults();
      throw error;
    }
  }

  /** Gives all memory of the device back. */
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
