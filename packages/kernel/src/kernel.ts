import type { DType, HostArray, Shape } from "./dtype.ts";
import type { KernelError } from "./errors.ts";
import type { CopyOps, InferenceOps, KernelOp, TrainingOps } from "./ops/interface.ts";
import type { Tensor } from "./tensor.ts";

/** The abilities of a kernel instance, as data. Tests skip by these fields and nothing else. */
export interface Capabilities {
  /** The device in words, for people. */
  readonly device: string;
  /** Storage types that `upload` and `zeros` take. Always holds f32 and i32. */
  readonly storage: ReadonlySet<DType>;
  /** True when the instance is a `TrainingKernel`. */
  readonly training: boolean;
  /** True when equal inputs give bit-equal outputs, on every run and with any number of threads. */
  readonly deterministic: boolean;
  /** The largest single tensor. */
  readonly maxTensorBytes: number;
}

/** Device memory. Arguments are borrowed, results belong to the caller. */
export interface KernelMemory extends CopyOps {
  /** Copies `data` to the device. Errors: `ARGUMENT` (length), `DTYPE`, `OUT_OF_MEMORY`. */
  upload(data: HostArray, shape: Shape, dtype: DType): Tensor;
  /** A tensor of zeros. */
  zeros(shape: Shape, dtype: DType): Tensor;
  /** View of columns [start, start + count) of the last axis. No copy. */
  columns(x: Tensor, start: number, count: number): Tensor;
  /** View of the same elements in another shape. `x` is dense, or the last axis stays as it is. No copy. */
  reshape(x: Tensor, shape: Shape): Tensor;
  /**
   * Copies tensors to the host, dense, in argument order. `read` and `sync` are the only calls that wait for the device:
   * an error of work already enqueued rejects here, with the op's name.
   */
  read(...tensors: Tensor[]): Promise<HostArray[]>;
  /** Waits for all work enqueued so far. */
  sync(): Promise<void>;
  /** Live tensor handles, and the bytes of the memory behind them (shared memory counted once). */
  memory(): { readonly tensors: number; readonly bytes: number };
}

/**
 * A backend instance on one device. Instances are independent: one refuses the tensors of another.
 *
 * After the device is lost every call throws `DEVICE_LOST`; after `dispose` every call throws `DISPOSED`. Tensors may be
 * disposed after their kernel.
 */
export interface Kernel extends KernelMemory, InferenceOps, AsyncDisposable {
  /** The backend's short name: `cpu`, `webgpu`, `cuda`. */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** True when `op` takes weights (activations, if it has no weights) stored as `dtype`. */
  supports(op: KernelOp, dtype: DType): boolean;
  /** Resolves with the reason when the device is lost. Never rejects; stays pending until then. */
  readonly lost: Promise<KernelError>;
  /**
   * Waits for reads that have begun, then releases the device and ends the threads. A second call does nothing.
   * `[Symbol.asyncDispose]`, which `await using` calls, does the same.
   */
  dispose(): Promise<void>;
}

/** A kernel that also has the training ops. */
export interface TrainingKernel extends Kernel, TrainingOps {}

/** True when the kernel has the training ops. */
export function canTrain(kernel: Kernel): kernel is TrainingKernel {
  return kernel.capabilities.training;
}
