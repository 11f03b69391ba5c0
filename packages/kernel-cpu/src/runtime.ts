import { byteOffset, type Capabilities, type DType, type Shape } from "@mamba/kernel";
import { TensorOwner } from "@mamba/kernel/author";
import type { Chunk } from "./allocator.ts";
import type { Heap } from "./heap.ts";
import type { Instance } from "./instance.ts";
import type { JobRecord, Jobs } from "./jobs.ts";
import type { Memories } from "./memories.ts";
import { storedBytes } from "./storedBytes.ts";
import { CpuTensor, type Storage } from "./tensor.ts";
import type { JobName, WasmExports } from "./wasm.ts";

/** `R` without fields that `T` does not have. */
type Exact<R extends T, T> = R & Readonly<Record<Exclude<keyof R, keyof T>, never>>;

/** The state of the backend that its ops use: the heaps with their tensors, and the jobs. */
export class Runtime extends TensorOwner<Storage, CpuTensor> {
  /** The instance on the main memory, which holds all that ops compute. */
  readonly main: Instance;
  readonly memories: Memories;
  /** See `Capabilities.activations`. */
  readonly activations: Capabilities["activations"];
  readonly #jobs: Jobs;

  constructor(memories: Memories, jobs: Jobs, activations: Capabilities["activations"]) {
    super();
    this.activations = activations;
    this.main = memories.main;
    this.memories = memories;
    this.#jobs = jobs;
  }

  /** The exports of the main instance. */
  get wasm(): WasmExports {
    return this.main.wasm;
  }

  /** The heap in the main memory. */
  get heap(): Heap {
    return this.main.heap;
  }

  /** A dense tensor in the main memory with undefined content. @throws KernelError `OUT_OF_MEMORY` */
  allocate(op: string, shape: Shape, dtype: DType): CpuTensor {
    const bytes = storedBytes(dtype, shape);
    const chunk = this.heap.allocate(bytes, op);
    return this.adopt({ instance: this.main, chunk, bytes, handles: 0, version: 0 }, dtype, shape);
  }

  /**
   * A dense tensor with undefined content. A large matrix may lie in another memory: see `Memories`. So may the weights of experts, of
   * three axes, when they are quantised or 16-bit: f32 tensors of three axes are activations and caches.
   *
   * @throws KernelError `OUT_OF_MEMORY`
   */
  place(op: string, shape: Shape, dtype: DType): CpuTensor {
    const isWeight = shape.length === 2 || (shape.length === 3 && dtype !== "f32" && dtype !== "i32");
    if (!isWeight) return this.allocate(op, shape, dtype);
    const bytes = storedBytes(dtype, shape);
    const { instance, chunk } = this.memories.place(op, bytes, dtype);
    instance.weightBytes += bytes;
    return this.adopt({ instance, chunk, bytes, handles: 0, version: 0, isWeight: true }, dtype, shape);
  }

  /**
   * A dense tensor with undefined content that the running op creates. It is disposed when the op fails.
   *
   * @throws KernelError `OUT_OF_MEMORY`
   */
  result(op: string, shape: Shape, dtype: DType = "f32"): CpuTensor {
    try {
      return this.keepResult(this.allocate(op, shape, dtype));
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }

  /**
   * Memory that the running op frees before it returns, with `heap.free`.
   *
   * @throws KernelError `OUT_OF_MEMORY`; the results of the op are disposed
   */
  temporary(op: string, bytes: number): Chunk {
    try {
      return this.heap.allocate(bytes, op);
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }

  /**
   * Runs a job of the module to its end. When it fails, the results of the running op are disposed.
   *
   * @param record the job's argument record, as its file in assembly/ declares it
   * @param nanoseconds estimated time on one thread, which decides how many threads take part
   * @throws KernelError `OUT_OF_MEMORY` for scratch, `DEVICE_LOST`
   */
  run<J extends JobName, R extends JobRecord<J>>(
    job: J,
    record: Exact<R, JobRecord<J>>,
    nanoseconds: number,
  ): void {
    try {
      this.#jobs.run(job, record, nanoseconds);
    } catch (error) {
      this.dropResults();
      throw error;
    }
  }

  /** The whole memory of a tensor as a vector. The handle is not counted and must not be disposed. */
  whole({ storage, dtype }: CpuTensor): CpuTensor {
    const count = storage.bytes / byteOffset(dtype, 1);
    return this.handle(storage, dtype, [count], count, 0);
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

  protected free({ instance, chunk, bytes, isWeight }: Storage): void {
    if (isWeight) instance.weightBytes -= bytes;
    instance.heap.free(chunk);
  }
}
