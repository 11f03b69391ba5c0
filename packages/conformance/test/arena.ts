import {
  byteLength,
  byteOffset,
  type DType,
  elementCount,
  type FloatDType,
  type HostArray,
  hostLength,
  isQuantized,
  KernelError,
  lastExtent,
  type Shape,
  toFloat32,
} from "@mamba/kernel";
import { dequantize } from "@mamba/kernel/quantize";
import { DeviceTensor, type SharedMemory, TensorOwner } from "@mamba/kernel/author";

/** The part of the arena that the views of one tensor share. */
export interface Allocation extends SharedMemory {
  /** Bytes of the arena before it. */
  readonly start: number;
}

const alignment = 16;
const arenaBytes = 64 * 1024 * 1024;

/** All tensors of a kernel in one memory, first fit, so that a write past the end of one lands in its neighbour. */
export class Arena extends TensorOwner<Allocation, ArenaTensor> {
  readonly buffer = new ArrayBuffer(arenaBytes);
  /** The allocations in the order of their addresses. */
  #allocations: Allocation[] = [];

  /** Creates a dense tensor with the content that its memory happens to have. */
  allocate(dtype: DType, shape: Shape): ArenaTensor {
    const bytes = byteLength(dtype, shape);
    let start = 0;
    let index = 0;
    for (const allocation of this.#allocations) {
      if (allocation.start - start >= bytes) break;
      start = aligned(allocation.start + allocation.bytes);
      index++;
    }
    if (start + bytes > arenaBytes) {
      this.dropResults();
      throw new KernelError("OUT_OF_MEMORY", `no room for ${bytes} bytes`);
    }
    const allocation = { start, bytes, handles: 0, version: 0 };
    this.#allocations.splice(index, 0, allocation);
    return this.keepResult(this.adopt(allocation, dtype, shape));
  }

  /** Creates a dense tensor with these values. */
  result(shape: Shape, values: ArrayLike<number>, dtype: DType = "f32"): ArenaTensor {
    const tensor = this.allocate(dtype, shape);
    tensor.elements.set(values);
    return tensor;
  }

  protected override handle(
    allocation: Allocation,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ) {
    return new ArenaTensor(this, allocation, dtype, shape, rowStride, offset);
  }

  protected override free(allocation: Allocation): void {
    this.#allocations = this.#allocations.filter((other) => other !== allocation);
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** A handle on elements of an arena. */
export class ArenaTensor extends DeviceTensor<Allocation> {
  readonly #arena: Arena;

  constructor(
    arena: Arena,
    allocation: Allocation,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ) {
    super(arena, allocation, dtype, shape, rowStride, offset);
    this.#arena = arena;
  }

  /** The arena from the tensor's first element to the end of the arena: a write past the tensor is possible. */
  get elements(): HostArray {
    const { buffer } = this.#arena;
    const at = this.storage.start + byteOffset(this.dtype, this.offset);
    switch (this.dtype) {
      case "f32":
        return new Float32Array(buffer, at);
      case "i32":
        return new Int32Array(buffer, at);
      case "f16":
      case "bf16":
        return new Uint16Array(buffer, at);
      default:
        return new Uint8Array(buffer, at);
    }
  }

  /** A dense copy. */
  dense(): HostArray {
    const { elements } = this;
    const width = lastExtent(this.shape);
    const copy = elements.slice(0, hostLength(this.dtype, elementCount(this.shape)));
    if (isQuantized(this.dtype)) return copy;
    for (let i = 0, from = 0; i < copy.length; i += width, from += this.rowStride) {
      copy.set(elements.subarray(from, from + width), i);
    }
    return copy;
  }

  /** A dense copy, widened to float32. */
  values(): Float32Array | Int32Array {
    const data = this.dense();
    if (isQuantized(this.dtype)) return dequantize(data as Uint8Array, this.dtype);
    return data instanceof Int32Array ? data : toFloat32(data, this.dtype as FloatDType);
  }

  /** Overwrites the tensor, row by row. */
  set(values: Float64Array): void {
    const { elements } = this;
    const width = lastExtent(this.shape);
    for (let i = 0, to = 0; i < values.length; i += width, to += this.rowStride) {
      elements.set(values.subarray(i, i + width), to);
    }
  }
}
