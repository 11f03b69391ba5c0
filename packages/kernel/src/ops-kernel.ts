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
import { checkAlive } from "./bind.ts";
import { checkAllocation, checkUpload } from "./checks.ts";
import { DeviceTensor, type SharedMemory } from "./device-tensor.ts";
import type { DType, HostArray, Shape } from "./dtype.ts";
import type { KernelError } from "./errors.ts";
import type {
  Capabilities,
  InferenceOps,
  KernelMemory,
  KernelOp,
  TrainingKernel,
  TrainingOps,
} from "./kernel.ts";
import { everyStorage, supportsEverything } from "./supports.ts";
import type { TensorOwner } from "./tensor-owner.ts";
import type { Residual, Tensor } from "./tensor.ts";

type Ops = Pick<KernelMemory, "write" | "gatherRows" | "copyInto"> & InferenceOps & TrainingOps;

/** A backend's ops: functions of what it stands on, R, and of the op's own arguments, which they check. */
export type OpTable<R> = {
  readonly [K in Exclude<keyof Ops, "causalConv1d" | "selectiveScan">]: (
    runtime: R,
    ...args: Parameters<Ops[K]>
  ) => ReturnType<Ops[K]>;
} & {
  /** With arguments that were checked, as those of `zeros`. */
  upload(runtime: R, data: HostArray, shape: Shape, dtype: DType): Tensor;
  zeros(runtime: R, shape: Shape, dtype: DType): Tensor;
  causalConv1d(runtime: R, args: ConvArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor };
  selectiveScan(runtime: R, args: ScanArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor };
};

/**
 * A deterministic `TrainingKernel` for every storage type, from a table of its ops. What is left to a backend is its name, how
 * tensors are read, and how it ends.
 */
export abstract class OpsKernel<
  T extends DeviceTensor,
  R extends TensorOwner<SharedMemory, T>,
> implements TrainingKernel {
  abstract readonly name: string;
  abstract readonly lost: Promise<KernelError>;
  readonly capabilities: Capabilities;
  /** @internal */
  readonly runtime: R;
  readonly #ops: OpTable<R>;

  /**
   * @param device in words
   * @param maxTensorBytes the largest single tensor
   */
  protected constructor(runtime: R, ops: OpTable<R>, device: string, maxTensorBytes: number) {
    this.runtime = runtime;
    this.#ops = ops;
    this.capabilities = {
      ...{ device, storage: everyStorage, training: true, deterministic: true },
      maxTensorBytes,
    };
  }

  /** Dense host copies of tensors that are ours, as they are after all that was enqueued until now. */
  protected abstract fetch(tensors: readonly T[]): Promise<HostArray[]>;
  abstract sync(): Promise<void>;
  abstract [Symbol.asyncDispose](): Promise<void>;

  supports(op: KernelOp, dtype: DType): boolean {
    return supportsEverything(op, dtype);
  }

  memory(): { readonly tensors: number; readonly bytes: number } {
    return this.runtime.memory;
  }

  upload(data: HostArray, shape: Shape, dtype: DType): Tensor {
    const { storage, maxTensorBytes } = this.capabilities;
    checkAllocation("upload", shape, dtype, storage, maxTensorBytes);
    checkUpload(data, shape, dtype);
    this.runtime.checkOpen("upload");
    return this.#ops.upload(this.runtime, data, [...shape], dtype);
  }

  zeros(shape: Shape, dtype: DType): Tensor {
    const { storage, maxTensorBytes } = this.capabilities;
    checkAllocation("zeros", shape, dtype, storage, maxTensorBytes);
    this.runtime.checkOpen("zeros");
    return this.#ops.zeros(this.runtime, [...shape], dtype);
  }

  write(target: Tensor, start: number, data: HostArray): void {
    this.#ops.write(this.runtime, target, start, data);
    written(target);
  }

  async read(...tensors: Tensor[]): Promise<HostArray[]> {
    this.runtime.checkOpen("read");
    const sources = tensors.map((tensor, i) => {
      checkAlive("read", `tensor ${i}`, tensor);
      return this.runtime.own("read", `tensor ${i}`, tensor);
    });
    return this.fetch(sources);
  }

  columns(x: Tensor, start: number, count: number): Tensor {
    return this.runtime.columns(x, start, count);
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    return this.runtime.reshape(x, shape);
  }

  gatherRows(x: Tensor, rows: readonly number[]): Tensor {
    return this.#ops.gatherRows(this.runtime, x, rows);
  }

  copyInto(target: Tensor, source: Tensor): void {
    this.#ops.copyInto(this.runtime, target, source);
    written(target);
  }

  add(a: Tensor, b: Tensor): Tensor {
    return this.#ops.add(this.runtime, a, b);
  }

  mul(a: Tensor, b: Tensor): Tensor {
    return this.#ops.mul(this.runtime, a, b);
  }

  scale(x: Tensor, factor: number): Tensor {
    return this.#ops.scale(this.runtime, x, factor);
  }

  silu(x: Tensor): Tensor {
    return this.#ops.silu(this.runtime, x);
  }

  negExp(x: Tensor): Tensor {
    return this.#ops.negExp(this.runtime, x);
  }

  flip(x: Tensor): Tensor {
    return this.#ops.flip(this.runtime, x);
  }

  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
    return this.#ops.linear(this.runtime, x, weight, bias);
  }

  rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
    return this.#ops.rmsNorm(this.runtime, x, weight, eps);
  }

  embedding(ids: Tensor, weight: Tensor): Tensor {
    return this.#ops.embedding(this.runtime, ids, weight);
  }

  causalConv1d(args: ConvArgs): { y: Tensor };
  causalConv1d(args: ConvArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  causalConv1d(args: ConvArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor } {
    return this.#ops.causalConv1d(this.runtime, args, want);
  }

  causalConv1dStep(state: Tensor, args: ConvStepArgs): Tensor {
    const y = this.#ops.causalConv1dStep(this.runtime, state, args);
    written(state);
    return y;
  }

  selectiveScan(args: ScanArgs): { y: Tensor };
  selectiveScan(args: ScanArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  selectiveScan(args: ScanArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor } {
    return this.#ops.selectiveScan(this.runtime, args, want);
  }

  selectiveStateUpdate(state: Tensor, args: StateUpdateArgs): Tensor {
    const y = this.#ops.selectiveStateUpdate(this.runtime, state, args);
    written(state);
    return y;
  }

  argmax(logits: Tensor): Tensor {
    return this.#ops.argmax(this.runtime, logits);
  }

  sample(logits: Tensor, options: SampleOptions): Tensor {
    return this.#ops.sample(this.runtime, logits, options);
  }

  repetitionPenalty(logits: Tensor, ids: Tensor, penalty: number): Tensor {
    return this.#ops.repetitionPenalty(this.runtime, logits, ids, penalty);
  }

  accumulate(target: Tensor, x: Tensor, factor?: number): void {
    this.#ops.accumulate(this.runtime, target, x, factor);
    written(target);
  }

  siluBackward(dy: Tensor, x: Tensor): Tensor {
    return this.#ops.siluBackward(this.runtime, dy, x);
  }

  linearBackwardInput(dy: Tensor, weight: Tensor): Tensor {
    return this.#ops.linearBackwardInput(this.runtime, dy, weight);
  }

  linearBackwardWeight(dy: Tensor, x: Tensor): Tensor {
    return this.#ops.linearBackwardWeight(this.runtime, dy, x);
  }

  sumRows(dy: Tensor): Tensor {
    return this.#ops.sumRows(this.runtime, dy);
  }

  rmsNormBackward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor | undefined,
    eps: number,
  ): { dx: Tensor; dWeight?: Tensor } {
    return this.#ops.rmsNormBackward(this.runtime, dy, x, weight, eps);
  }

  embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number): Tensor {
    return this.#ops.embeddingBackward(this.runtime, dy, ids, vocabSize);
  }

  causalConv1dBackward(dy: Tensor, args: ConvArgs, dFinalState?: Tensor): Grads<ConvArgs> {
    return this.#ops.causalConv1dBackward(this.runtime, dy, args, dFinalState);
  }

  selectiveScanForward(args: ScanArgs): { y: Tensor; finalState: Tensor; residual: Residual } {
    return this.#ops.selectiveScanForward(this.runtime, args);
  }

  selectiveScanBackward(
    dy: Tensor,
    args: ScanArgs,
    residual: Residual,
    dFinalState?: Tensor,
  ): Grads<ScanArgs> {
    return this.#ops.selectiveScanBackward(this.runtime, dy, args, residual, dFinalState);
  }

  crossEntropy(logits: Tensor, targets: Tensor, ignoreIndex?: number): { loss: Tensor } {
    return this.#ops.crossEntropy(this.runtime, logits, targets, ignoreIndex);
  }

  crossEntropyWithGradient(
    logits: Tensor,
    targets: Tensor,
    ignoreIndex?: number,
  ): { loss: Tensor; dLogits: Tensor } {
    return this.#ops.crossEntropyWithGradient(this.runtime, logits, targets, ignoreIndex);
  }

  sumOfSquares(tensors: readonly Tensor[]): Tensor {
    return this.#ops.sumOfSquares(this.runtime, tensors);
  }

  adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    this.#ops.adamwStep(this.runtime, slots, hyper, gradScale);
    for (const { param, m, v } of slots) [param, m, v].forEach(written);
  }
}

function written(x: Tensor): void {
  if (x instanceof DeviceTensor) (x.storage as SharedMemory).version++;
}
