import { byteLength, type DType, type Shape, type Tensor } from "@mamba/kernel";
import { TensorOwner } from "@mamba/kernel/author";
import type { Block } from "./allocator.ts";
import type { Heap } from "./heap.ts";
import type { Jobs } from "./jobs.ts";
import type { OpName } from "./opcodes.ts";
import { CpuTensor, type Storage } from "./tensor.ts";
import type { WasmExports } from "./wasm.ts";

/** Storage types as the records in assembly/args.ts number them. */
const storageTypes: Readonly<Record<DType, number>> = { f32: 0, f16: 1, bf16: 2, i32: -1 };

/** What the ops stand on: the heap with its tensors, the argument record, and the jobs. */
export class Runtime extends TensorOwner<Storage, CpuTensor> {
  readonly wasm: WasmExports;
  readonly heap: Heap;
  /** The argument record of the op being called: one is enough, since an op is done when its call returns. */
  readonly args: Uint32Array;
  readonly floatArgs: Float32Array;
  readonly #jobs: Jobs;

  constructor(wasm: WasmExports, heap: Heap, jobs: Jobs, args: Uint32Array) {
    super();
    this.wasm = wasm;
    this.heap = heap;
    this.args = args;
    this.floatArgs = new Float32Array(args.buffer, args.byteOffset, args.length);
    this.#jobs = jobs;
  }

  /** The number of a weight's storage type. */
  storageType(tensor: Tensor): number {
    return storageTypes[tensor.dtype];
  }

  /** A dense tensor with undefined content. @throws KernelError `OUT_OF_MEMORY` */
  allocate(op: string, shape: Shape, dtype: DType): CpuTensor {
    const bytes = byteLength(dtype, shape);
    return this.adopt({ block: this.heap.allocate(bytes, op), bytes, handles: 0, version: 0 }, dtype, shape);
  }

  /** As `allocate`, for what the op being called makes: given up again when it fails half-way. */
  result(op: string, shape: Shape, dtype: DType = "f32"): CpuTensor {
    try {
      return this.keepResult(this.allocate(op, shape, dtype));
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }

  /** Room that the op being called frees before it returns: `heap.free`. When there is none, the results are given up. */
  temporary(op: string, bytes: number): Block {
    try {
      return this.heap.allocate(bytes, op);
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }

  /**
   * Runs a job on the record in `args`. When it fails, the results of the op are given up.
   *
   * @param nanoseconds what it takes on one thread, roughly: little work is not worth waking others for
   * @throws KernelError `OUT_OF_MEMORY` for scratch, `DEVICE_LOST`
   */
  run(op: OpName, nanoseconds: number): void {
    try {
      this.#jobs.run(op, this.args.byteOffset, nanoseconds);
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }

  protected handle(
    storage: Storage,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ): CpuTensor {
    return new CpuTensor(this, storage, dtype, shape, rowStride, offset);
  }

  protected free({ block }: Storage): void {
    this.heap.free(block);
  }
}
