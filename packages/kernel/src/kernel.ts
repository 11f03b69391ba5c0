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
  /**
   * True when the forward ops give each row of a batch the same bits whatever the number and the content of the other rows, and
   * a sequence the same bits whatever the chunks in which it is computed, from the state of one to that of the next. One-token ops
   * equal sequence ops to rounding only, and training ops are exempt: weight gradients are sums over rows. `ssdScan` keeps the bits
   * when the chunks begin at multiples of 64 positions, and gives the same result to rounding otherwise.
   */
  readonly batchInvariant: boolean;
  /**
   * How `linear` reads `x` when its weight is quantised. "f32": exactly. "int8": each row of `x` is first rounded to 8-bit
   * integers with one scale per row or per chunk of a row. Products with weights of a float type, `embedding` and
   * `linearBackwardInput` are exact on every backend. Neither changes `deterministic` or `batchInvariant`.
   */
  readonly activations: "f32" | "int8";
  /** The largest single tensor. */
  readonly maxTensorBytes: number;
  /** The most bytes of all tensors together; undefined where only an allocation that fails shows it. */
  readonly maxBytes: number | undefined;
  /**
   * The most bytes of the tensors that ops other than `linear` and `embedding` take; beyond that only their weights have room. Absent
   * where it is `maxBytes`.
   */
  readonly maxOperandBytes?: number;
}

/** Device memory. Arguments are borrowed, results belong to the caller. */
export interface KernelMemory extends CopyOps {
  /**
   * Copies `data` to the device. The last extent of a quantised tensor is a multiple of the block, and `data` holds
   * `byteLength(dtype, shape)` bytes. Errors: `ARGUMENT` (length), `DTYPE`, `SHAPE`, `OUT_OF_MEMORY`.
   */
  upload(data: HostArray, shape: Shape, dtype: DType): Tensor;
  /** A tensor of zeros. */
  zeros(shape: Shape, dtype: DType): Tensor;
  /**
   * Bytes that a tensor takes on the device. They differ from `byteLength` only for quantised types, which a backend may store
   * in another order: by at most 5 %, and the padding of the last rows. Errors: `DTYPE`, `SHAPE`.
   */
  storedBytes(dtype: DType, shape: Shape): number;
  /** View of columns [start, start + count) of the last axis, which is not quantised. No copy. */
  columns(x: Tensor, start: number, count: number): Tensor;
  /**
   * View of rows [start, start + count) of the first axis; count >= 1. The rows of a dense tensor are dense, so every op
   * takes them, also one that writes in place: that changes `x` and its version. No copy.
   *
   * An op that writes in place may read other rows of the same memory. The rows that it writes must not overlap with another
   * argument, except in `copyInto`.
   *
   * Devices write words of 4 bytes: the rows of a dense tensor with 16-bit storage must begin and end at even elements,
   * unless they end with the tensor. Quantised tensors are refused. Errors: `ARGUMENT`, `DTYPE`, `DISPOSED`.
   */
  rows(x: Tensor, start: number, count: number): Tensor;
  /** View of the same elements in another shape. The last axis of a column view and of a quantised `x` stays as it is. No copy. */
  reshape(x: Tensor, shape: Shape): Tensor;
  /**
   * Copies tensors to the host, dense, in argument order; a quantised tensor as the blocks that were written. `read` and `sync` are the only calls that wait for the device:
   * an error of work already enqueued rejects here, with the op's name.
   */
  read(...tensors: Tensor[]): Promise<HostArray[]>;
  /** Waits for all work enqueued so far. */
  sync(): Promise<void>;
  /** Live tensor handles, and the bytes of the memory behind them (`storedBytes`, shared memory counted once). */
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
