import type { Kernel, Residual, Shape, Tensor, TrainingKernel } from "@mamba/kernel";

/** The gradient of a loss [1]: a number of the host, or a tensor [1] when losses were combined on the device. */
export type LossGradient = number | Tensor;

/** Receives the gradients of an op's arguments during the backward pass. */
export interface GradientSink {
  readonly kernel: TrainingKernel;
  /** Adds the gradient that `make` computes to that of `x`; does not call `make` when no gradient of `x` is wanted. */
  add(x: Tensor | undefined, make: () => Tensor): void;
  /** Adds `gradient`, which stays the caller's, to columns [start, start + count) of the gradient of `x`. */
  addColumns(x: Tensor, gradient: Tensor, start: number, count: number): void;
  /** Adds gradients by argument name. Takes ownership of them, and frees those of arguments that want none. */
  addAll<A extends object>(args: A, gradients: { readonly [K in keyof A]?: A[K] }): void;
}

/** Data that a constant may have: i32 or f32. */
export type ConstantData = Int32Array | Float32Array;

/**
 * The form in which an op runs: eagerly (`EagerOps`) or recorded (`Tape`). Each file of this folder defines one op as a
 * function of it: the function calls the kernel and says how the gradient of the result becomes gradients of the
 * arguments.
 */
export interface OpRun {
  readonly kernel: Kernel;
  /**
   * True when sequence ops with a state may run one position as the one-token kernel op, which writes the state at once.
   * False on a tape: its backward pass needs the state as it was.
   */
  readonly takesSteps: boolean;
  /** Returns the kernel that records a call with these inputs, or undefined when no gradient of them is wanted. */
  recorder(inputs: readonly (Tensor | undefined)[]): TrainingKernel | undefined;
  /**
   * Takes ownership of the result of an op and returns it. When an input is tracked, `backward` is recorded: it gets the
   * gradient of `y`, in its shape.
   */
  result(
    y: Tensor,
    inputs: readonly (Tensor | undefined)[],
    backward: (dy: Tensor, sink: GradientSink) => void,
  ): Tensor;
  /** `result` for a loss [1]. */
  lossResult(
    loss: Tensor,
    inputs: readonly (Tensor | undefined)[],
    backward: (dLoss: LossGradient, sink: GradientSink) => void,
  ): Tensor;
  /** Takes ownership of something that a backward pass needs, and returns it. */
  hold<T extends Tensor | Residual>(item: T): T;
  /** See `Ops.sharedConstant`. */
  sharedConstant(data: ConstantData, shape: Shape): Tensor;
  /** Overwrites `state` with `next`, which it takes ownership of: at once, or after the backward pass. */
  advance(state: Tensor, next: Tensor): void;
}
