import { byteLength, type DType, elementCount, KernelError, type Shape, type Tensor } from "@mamba/kernel";
import { DeviceTensor, type SharedMemory, TensorOwner } from "@mamba/kernel/author";

/** The largest tensor that was created, and the op that created it. */
export interface LargestTensor {
  readonly bytes: number;
  readonly op: string;
  readonly shape: Shape;
}

/** Tensors without values: only their shapes, their lifetimes and their bytes exist. */
export class CountingTensors extends TensorOwner<SharedMemory, DeviceTensor> {
  /** Handles on tensors of other kernels, such as parameters. Their bytes are not counted. */
  readonly #foreign = new WeakMap<Tensor, DeviceTensor>();
  #peak = 0;
  #largest: LargestTensor = { bytes: 0, op: "none", shape: [] };

  /** The most bytes that were alive at once. */
  get peak(): number {
    return this.#peak;
  }

  get largest(): LargestTensor {
    return this.#largest;
  }

  /** A dense tensor that the running op creates. */
  result(op: string, shape: Shape, dtype: DType = "f32"): DeviceTensor {
    const bytes = byteLength(dtype, shape);
    const tensor = this.keepResult(this.adopt({ bytes, handles: 0, version: 0 }, dtype, [...shape]));
    this.#see(bytes, op, shape);
    this.#peak = Math.max(this.#peak, this.memory.bytes);
    return tensor;
  }

  /** Counts memory that the running op frees before it returns, as f32 elements in tensors of these shapes. */
  scratch(op: string, shapes: readonly Shape[]): void {
    let bytes = 0;
    for (const shape of shapes) {
      const own = 4 * elementCount(shape);
      bytes += own;
      this.#see(own, op, shape);
    }
    this.#peak = Math.max(this.#peak, this.memory.bytes + bytes);
  }

  #see(bytes: number, op: string, shape: Shape): void {
    if (bytes > this.#largest.bytes) this.#largest = { bytes, op, shape: [...shape] };
  }

  /** A tensor of another kernel becomes a handle of its shape on memory that is not counted. */
  override own(op: string, name: string, tensor: Tensor): DeviceTensor {
    if (tensor instanceof DeviceTensor && tensor.owner === this) return tensor as DeviceTensor;
    if (tensor.disposed) throw new KernelError("DISPOSED", `${op}: ${name} was disposed before this call`);
    let handle = this.#foreign.get(tensor);
    if (handle === undefined) {
      const memory = { bytes: 0, handles: 0, version: 0, hidden: true };
      memory.handles++;
      handle = new DeviceTensor(this, memory, tensor.dtype, tensor.shape, tensor.rowStride, 0);
      this.#foreign.set(tensor, handle);
    }
    return handle;
  }

  protected override handle(
    storage: SharedMemory,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ): DeviceTensor {
    return new DeviceTensor(this, storage, dtype, shape, rowStride, offset);
  }

  protected override free(): void {}
}
