import { byteLength, type DType, KernelError, type KernelErrorCode, type Shape } from "@mamba/kernel";
import { TensorOwner } from "@mamba/kernel/author";
import type { Session } from "./addon.ts";
import { type Arg, Commands, type Grid, type Sgemm } from "./commands.ts";
import type { KernelName } from "./kernels.ts";
import { type Block, BlockPool } from "./pool.ts";
import { CudaTensor, type Storage } from "./tensor.ts";

/** Settings that tests change. */
export interface Tuning {
  /** Allocates memory without rounding or reuse, for a device with bounds checks. */
  readonly exactPool?: boolean;
  /** Launches per submission. */
  readonly records?: number;
  /** See `CudaKernelOptions`. */
  readonly batchInvariant?: boolean;
}

/** Services for the ops of one kernel: tensors, memory and recorded launches. */
export class Runtime extends TensorOwner<Storage, CudaTensor> {
  readonly session: Session;
  readonly pool: BlockPool;
  /** True when the forward ops use only GPU kernels whose bits depend neither on the number of rows nor on the chunks. */
  readonly batchInvariant: boolean;
  /** Resolves when the device is lost. */
  readonly lost: Promise<KernelError>;
  readonly #commands: Commands;
  #reportLoss: (failure: KernelError) => void = () => undefined;

  constructor(session: Session, tuning: Tuning = {}) {
    super();
    this.session = session;
    this.batchInvariant = tuning.batchInvariant ?? false;
    this.pool = new BlockPool(session, tuning.exactPool ?? false);
    this.lost = new Promise((resolve) => (this.#reportLoss = resolve));
    this.#commands = new Commands(session, tuning.records, () => {
      this.pool.trim();
    });
  }

  /** Batches submitted so far. */
  get submissions(): number {
    return this.#commands.submissions;
  }

  /** Launches of all ops so far. */
  get launches(): number {
    return this.#commands.launches;
  }

  /** The name of the cuBLAS library, if there is one. The first access loads the library. */
  get blas(): string | undefined {
    return this.session.blas || undefined;
  }

  /** Allocates a dense tensor with undefined content. @throws KernelError `OUT_OF_MEMORY`, `DEVICE_LOST` */
  allocate(op: string, shape: Shape, dtype: DType): CudaTensor {
    const bytes = byteLength(dtype, shape);
    return this.adopt({ block: this.#take(op, bytes), bytes, handles: 0, version: 0 }, dtype, shape);
  }

  /** Like `allocate`, for a result of the current op, or a temporary that the op disposes before it returns. */
  result(op: string, shape: Shape, dtype: DType = "f32"): CudaTensor {
    return this.keepResult(this.allocate(op, shape, dtype));
  }

  /**
   * Records one launch.
   *
   * @param grid blocks of threads; y and z at most 65535
   * @param block threads, a multiple of 32
   * @param args the arguments of the GPU kernel; a tensor becomes the address of its first element
   * @throws KernelError `DEVICE_LOST`
   */
  launch(op: string, kernel: KernelName, grid: Grid, block: number, args: readonly Arg[]): void {
    try {
      this.#commands.launch(op, kernel, grid, block, args);
    } catch (cause) {
      throw this.#lose(op, cause);
    }
  }

  /** Records a cuBLAS product; `blas` must be defined. @throws KernelError `DEVICE_LOST` */
  sgemm(op: string, product: Sgemm): void {
    try {
      this.#commands.sgemm(op, product);
    } catch (cause) {
      throw this.#lose(op, cause);
    }
  }

  /** Submits all recorded launches. @throws KernelError `DEVICE_LOST` */
  flush(op: string): void {
    try {
      this.#commands.flush();
    } catch (cause) {
      throw this.#lose(op, cause);
    }
  }

  /** Copies host memory to the device after all recorded work. @throws KernelError `OUT_OF_MEMORY`, `DEVICE_LOST` */
  write(op: string, address: number, data: Uint8Array): void {
    this.flush(op);
    try {
      this.session.write(address, data);
    } catch (cause) {
      throw this.failed(op, cause);
    }
  }

  /** Returns the ops recorded since the last call, and clears them. */
  takeOps(): ReadonlySet<string> {
    return this.#commands.takeOps();
  }

  /** Translates an error of the session: out of memory affects only this call, any other error loses the device. */
  failed(op: string, cause: unknown): KernelError {
    if (codeOf(cause) !== outOfMemory) return this.#lose(op, cause);
    this.dropResults();
    return driverError(op, cause, "OUT_OF_MEMORY");
  }

  protected handle(
    storage: Storage,
    dtype: DType,
    shape: Shape,
    rowStride: number,
    offset: number,
  ): CudaTensor {
    return new CudaTensor(this, storage, dtype, shape, rowStride, offset);
  }

  protected free(storage: Storage): void {
    this.pool.give(storage.block);
  }

  #lose(op: string, cause: unknown): KernelError {
    this.dropResults();
    const why = `the CUDA device is lost: ${messageOf(cause)}`;
    if (!this.failure) {
      const failure = new KernelError("DEVICE_LOST", why, { cause });
      this.close(failure);
      this.#reportLoss(failure);
    }
    return new KernelError("DEVICE_LOST", `${op}: ${why}`, { cause });
  }

  #take(op: string, bytes: number): Block {
    try {
      return this.pool.take(bytes);
    } catch (cause) {
      if (codeOf(cause) !== outOfMemory) throw this.#lose(op, cause);
    }
    // Free blocks that the pool keeps are released before the call fails.
    this.flush(op);
    try {
      this.pool.trim(0);
      this.session.trim();
      return this.pool.take(bytes);
    } catch (cause) {
      throw this.failed(`${op}: no device memory for ${bytes} bytes`, cause);
    }
  }
}

const outOfMemory = "CUDA_ERROR_OUT_OF_MEMORY";

/** Translates an error of the addon to a KernelError with code `OUT_OF_MEMORY`, or `code` for other errors. */
export function driverError(op: string, cause: unknown, code: KernelErrorCode): KernelError {
  const what = codeOf(cause) === outOfMemory ? "OUT_OF_MEMORY" : code;
  return new KernelError(what, `${op}: ${messageOf(cause)}`, { cause });
}

/** The driver's name of an error. */
function codeOf(cause: unknown): unknown {
  return (cause as { readonly code?: unknown }).code;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
