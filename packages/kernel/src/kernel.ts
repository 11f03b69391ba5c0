import type {
  AdamWParams,
  AdamWSlot,
  ConvArgs,
  ConvStepArgs,
  Grads,
  SampleOptions,
  ScanArgs,
  StateUpdateArgs,
} from "./args.ts";
import type { DType, HostArray, Shape } from "./dtype.ts";
import type { KernelError } from "./errors.ts";
import type { Residual, Tensor } from "./tensor.ts";

/** What a kernel instance can do, as data. Tests skip only by what stands here. */
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
export interface KernelMemory {
  /** Copies `data` to the device. Errors: `ARGUMENT` (length), `DTYPE`, `OUT_OF_MEMORY`. */
  upload(data: HostArray, shape: Shape, dtype: DType): Tensor;
  /** A tensor of zeros. */
  zeros(shape: Shape, dtype: DType): Tensor;
  /**
   * Copies `data` over the elements [start, start + data.length) of the dense `target`, counted row-major, in call
   * order with the ops: this is how a large tensor is filled piece by piece, so that the host never holds it whole.
   * Devices copy in words of 4 bytes: with 16-bit storage `start` is even, and so is the length unless the piece ends
   * the tensor. Errors: `ARGUMENT` (range), `DTYPE`, `SHAPE` (column view).
   */
  write(target: Tensor, start: number, data: HostArray): void;
  /** View of columns [start, start + count) of the last axis. No copy. */
  columns(x: Tensor, start: number, count: number): Tensor;
  /** View of the same elements in another shape. `x` is dense, or the last axis stays as it is. No copy. */
  reshape(x: Tensor, shape: Shape): Tensor;
  /** A new dense tensor of rows `rows` of the first axis, in that order; repeats are allowed. */
  gatherRows(x: Tensor, rows: readonly number[]): Tensor;
  /** Overwrites the dense `target` with `source`: same shape, same dtype. */
  copyInto(target: Tensor, source: Tensor): void;
  /**
   * Brings tensors to the host, dense, in argument order. Together with `sync` the only await that sees the device:
   * faults of work already enqueued reject here, with the op's name.
   */
  read(...tensors: Tensor[]): Promise<HostArray[]>;
  /** Waits for all work enqueued so far. */
  sync(): Promise<void>;
  /** Live tensor handles, and the bytes of the memory behind them (shared memory counted once). */
  memory(): { readonly tensors: number; readonly bytes: number };
}

/**
 * The forward ops: all that inference needs. Calls enqueue and return at once; work runs in call order. Results are
 * new, dense, f32 (i32 for token ids) and belong to the caller. Activations may be column views; parameters and
 * states are dense. Activations, states and small parameters are f32; `linear` and `embedding` weights may be stored
 * in any float dtype that `supports` reports. Every argument error is thrown at once, by the shared checks.
 */
export interface InferenceOps {
  /** a + b, same shape. */
  add(a: Tensor, b: Tensor): Tensor;
  /** a * b, same shape. */
  mul(a: Tensor, b: Tensor): Tensor;
  /** x * factor */
  scale(x: Tensor, factor: number): Tensor;
  /** x * sigmoid(x) */
  silu(x: Tensor): Tensor;
  /** -exp(x): the map from `A_log` to `A`. */
  negExp(x: Tensor): Tensor;
  /** x [B, L, D] with each row reversed along L: `y[b, l] = x[b, L-1-l]`. */
  flip(x: Tensor): Tensor;
  /** x [..., I], weight [O, I], bias [O] -> [..., O]: `y = x · weightᵀ + bias`. */
  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor;
  /** x [..., D], weight [D] -> `y = x / sqrt(mean(x²) + eps) * weight` over the last axis; no weight means 1. */
  rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor;
  /** ids i32 [...], weight [V, D] -> [..., D]. The backend clamps ids to [0, V): it never reads out of bounds. */
  embedding(ids: Tensor, weight: Tensor): Tensor;
  /** y [B, L, D]; on request `finalState` [B, D, W-1], the last W-1 inputs. See `ConvArgs` for the formula. */
  causalConv1d(args: ConvArgs): { y: Tensor };
  causalConv1d(args: ConvArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  /** One token: y [B, D]. `state` [B, D, W-1] is shifted in place. */
  causalConv1dStep(state: Tensor, args: ConvStepArgs): Tensor;
  /** y [B, L, D]; on request `finalState` [B, D, N]. See `ScanArgs` for the formula. */
  selectiveScan(args: ScanArgs): { y: Tensor };
  selectiveScan(args: ScanArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  /** One token: y [B, D]. `state` [B, D, N] is advanced in place. */
  selectiveStateUpdate(state: Tensor, args: StateUpdateArgs): Tensor;
  /** logits [B, V] -> i32 [B], the lowest index among the largest. A NaN counts as larger than every number. */
  argmax(logits: Tensor): Tensor;
  /**
   * logits [B, V] -> i32 [B]. After the filters of `SampleOptions` the result is the first id, in ascending order of
   * ids, at which the cumulative probability exceeds `uniforms[b]`. NaN logits have probability 0; a row without any
   * finite logit gives its argmax.
   */
  sample(logits: Tensor, options: SampleOptions): Tensor;
  /**
   * logits [B, V], ids i32 [B, K]: a new [B, V] with each distinct id of the row penalised once, `l > 0 ? l / penalty
   * : l * penalty` (Keskar et al. 2019, section 4.1). Ids outside [0, V) are padding.
   */
  repetitionPenalty(logits: Tensor, ids: Tensor, penalty: number): Tensor;
}

/** What training adds: the backward of each op, the loss and the optimizer. Gradients are f32 and new, unless said. */
export interface TrainingOps {
  /**
   * target += x * factor (default 1), in place; same shape. Both may be column views: the gradient of a view is added to
   * that of the tensor it was taken from, where it stands.
   */
  accumulate(target: Tensor, x: Tensor, factor?: number): void;
  /** dy * silu'(x) */
  siluBackward(dy: Tensor, x: Tensor): Tensor;
  /** dy [..., O], x [..., I], weight [O, I] -> dx [..., I]: `dy · weight`. */
  linearBackwardInput(dy: Tensor, weight: Tensor): Tensor;
  /** dy [..., O], x [..., I] -> dWeight [O, I]: `dyᵀ · x`, over all rows. */
  linearBackwardWeight(dy: Tensor, x: Tensor): Tensor;
  /** dy [..., D] -> [D]: the gradient of a bias, the sum over all rows. */
  sumRows(dy: Tensor): Tensor;
  /** The row scales are recomputed from `x`. `dWeight` is there when `weight` is. */
  rmsNormBackward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor | undefined,
    eps: number,
  ): { dx: Tensor; dWeight?: Tensor };
  /** dy [..., D], ids i32 [...] -> dWeight [vocabSize, D]; rows of equal ids add up. Ids are clamped as in `embedding`. */
  embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number): Tensor;
  /** `dFinalState` [B, D, W-1]: the gradient that flows in through `finalState`. */
  causalConv1dBackward(dy: Tensor, args: ConvArgs, dFinalState?: Tensor): Grads<ConvArgs>;
  /**
   * The scan with what its backward needs: states at chunk boundaries, O(B·D·N·L/chunk) bytes, never O(B·L·D·N).
   */
  selectiveScanForward(args: ScanArgs): { y: Tensor; finalState: Tensor; residual: Residual };
  /** `dFinalState` [B, D, N]: the gradient that flows in through `finalState`. The residual stays the caller's. */
  selectiveScanBackward(
    dy: Tensor,
    args: ScanArgs,
    residual: Residual,
    dFinalState?: Tensor,
  ): Grads<ScanArgs>;
  /**
   * logits [M, V], targets i32 [M] -> `loss` [1], the mean of -log softmax(logits)[target] over the targets that are
   * not `ignoreIndex` (default -100), 0 when all are; `dLogits` [M, V] is its gradient. Any other target outside of [0, V)
   * makes the loss and its row of `dLogits` NaN: never a read out of bounds, and never a plausible number.
   */
  crossEntropy(logits: Tensor, targets: Tensor, ignoreIndex?: number): { loss: Tensor };
  crossEntropyWithGradient(
    logits: Tensor,
    targets: Tensor,
    ignoreIndex?: number,
  ): { loss: Tensor; dLogits: Tensor };
  /**
   * [1]: the sum of squares over all tensors (column views too): the gradient norm, squared, without leaving the device.
   */
  sumOfSquares(tensors: readonly Tensor[]): Tensor;
  /**
   * Updates `param`, `m` and `v` in place; each slot's tensors are dense, and no memory stands in two slots. Gradients are
   * first multiplied by `gradScale` [1], when given.
   */
  adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void;
}

/** Names of the ops that a backend may or may not have for a storage type. */
export type KernelOp = keyof InferenceOps | keyof TrainingOps;

/**
 * A backend instance on one device. Instances are independent: a tensor of one is an error in another.
 *
 * After the device is lost every call throws `DEVICE_LOST`; after `[Symbol.asyncDispose]` every call throws
 * `DISPOSED`. Disposing twice is fine, and so is disposing tensors of a kernel that is gone.
 */
export interface Kernel extends KernelMemory, InferenceOps, AsyncDisposable {
  /** The backend's short name: `cpu`, `webgpu`, `cuda`. */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Whether `op` takes weights (or, where there are none, activations) stored as `dtype`. */
  supports(op: KernelOp, dtype: DType): boolean;
  /** Resolves with the reason when the device is gone; never rejects, and stays pending until then. */
  readonly lost: Promise<KernelError>;
}

/** A kernel that trains as well. */
export interface TrainingKernel extends Kernel, TrainingOps {}

/** True when the kernel has the training ops. */
export function canTrain(kernel: Kernel): kernel is TrainingKernel {
  return kernel.capabilities.training;
}
