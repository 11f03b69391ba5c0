import { type DType, dtypeBytes, elementCount, KernelError, type Shape, type Tensor } from "@mamba/kernel";
import { type Block, lineBytes } from "./allocator.ts";
import type { Heap } from "./heap.ts";
import type { Jobs } from "./jobs.ts";
import type { OpName } from "./opcodes.ts";
import { CpuTensor, type Storage } from "./tensor.ts";
import type { WasmExports } from "./wasm.ts";

/** Storage types as the records in assembly/args.ts number them. */
const storageTypes: Readonly<Record<DType, number>> = { f32: 0, f16: 1, bf16: 2, i32: -1 };

/** What the ops stand on: the heap with its tensors, the argument record, and the jobs. */
export class Runtime {
  readonly wasm: WasmExports;
  readonly heap: Heap;
  /** The argument record of the op being called: one is enough, since an op is done when its call returns. */
  readonly args: Uint32Array;
  readonly floatArgs: Float32Array;
  readonly #jobs: Jobs;
  /** Results of the op being called, given up again when it fails half-way. */
  readonly #results: CpuTensor[] = [];
  #tensors = 0;
  #bytes = 0;
  #failure: KernelError | undefined;

  constructor(wasm: WasmExports, heap: Heap, jobs: Jobs, args: Uint32Array) {
    this.wasm = wasm;
    this.heap = heap;
    this.args = args;
    this.floatArgs = new Float32Array(args.buffer, args.byteOffset, args.length);
    this.#jobs = jobs;
  }

  /** Live handles, and the bytes behind them. */
  get memory(): { readonly tensors: number; readonly bytes: number } {
    return { tensors: this.#tensors, bytes: this.#bytes };
  }

  /** Every later call fails like this. */
  close(failure: KernelError): void {
    this.#failure ??= failure;
  }

  /** @throws KernelError `DISPOSED` or `DEVICE_LOST` when the kernel is gone. */
  checkOpen(op: string): void {
    const failure = this.#failure;
    if (failure) throw new KernelError(failure.code, `${op}: ${failure.message}`, { cause: failure });
  }

  /** The tensor as one of ours. @throws KernelError `FOREIGN_TENSOR` */
  own(op: string, name: string, tensor: Tensor): CpuTensor {
    if (tensor instanceof CpuTensor && tensor.runtime === this) return tensor;
    throw new KernelError("FOREIGN_TENSOR", `${op}: ${name} belongs to another kernel`);
  }

  /** Where an argument starts, 0 when it is absent. @throws KernelError `FOREIGN_TENSOR` */
  at(op: string, name: string, tensor: Tensor | undefined): number {
    return tensor === undefined ? 0 : this.own(op, name, tensor).address;
  }

  /** The number of a weight's storage type. */
  storageType(tensor: Tensor): number {
    return storageTypes[tensor.dtype];
  }

  /** A dense tensor with undefined content. @throws KernelError `OUT_OF_MEMORY` */
  allocate(op: string, shape: Shape, dtype: DType): CpuTensor {
    const bytes = elementCount(shape) * dtypeBytes[dtype];
    const block = this.heap.allocate(bytes, op);
    this.#bytes += bytes;
    this.#tensors++;
    const storage = { block, bytes, handles: 1 };
    return new CpuTensor(this, storage, dtype, shape, shape[shape.length - 1] ?? 0, block.start * lineBytes);
  }

  /** As `allocate`, for a result that `run` will fill. */
  result(op: string, shape: Shape, dtype: DType = "f32"): CpuTensor {
    try {
      const tensor = this.allocate(op, shape, dtype);
      this.#results.push(tensor);
      return tensor;
    } catch (error) {
      this.#dropResults();
      throw error;
    }
  }

  /** Room that the op being called frees before it returns: `heap.free`. When there is none, the results are given up. */
  temporary(op: string, bytes: number): Block {
    try {
      return this.heap.allocate(bytes, op);
    } catch (error) {
      this.#dropResults();
      throw error;
    }
  }

  /** Another handle on the memory of `x`. */
  view(x: CpuTensor, shape: Shape, rowStride: number, address: number): CpuTensor {
    x.storage.handles++;
    this.#tensors++;
    return new CpuTensor(this, x.storage, x.dtype, shape, rowStride, address);
  }

  /** One handle on `storage` is gone. */
  release(storage: Storage): void {
    this.#tensors--;
    if (--storage.handles > 0) return;
    this.#bytes -= storage.bytes;
    this.heap.free(storage.block);
  }

  /**
   * Runs the op on the record in `args`.
   *
   * @param nanoseconds what it takes on one thread, roughly: little work is not worth waking others for
   * @throws KernelError `OUT_OF_MEMORY` for scratch, `DEVICE_LOST`
   */
  run(op: OpName, nanoseconds: number): void {
    this.step(op, nanoseconds);
    this.finish();
  }

  /** As `run`, for ops of several jobs: the results are given up when any fails, until `finish`. */
  step(op: OpName, nanoseconds: number): void {
    try {
      this.#jobs.run(op, this.args.byteOffset, nanoseconds);
    } catch (error) {
      this.#dropResults();
      throw error;
    }
  }

  /** The results belong to the caller from here on. */
  finish(): void {
    this.#results.length = 0;
  }

  #dropResults(): void {
    for (const tensor of this.#results) tensor.dispose();
    this.#results.length = 0;
  }
}
