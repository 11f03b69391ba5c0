import type {
  AdamWParams,
  AdamWSlot,
  Capabilities,
  ConvArgs,
  ConvStepArgs,
  DType,
  Grads,
  HostArray,
  KernelOp,
  Residual,
  SampleOptions,
  ScanArgs,
  Shape,
  StateUpdateArgs,
  Tensor,
  TrainingKernel,
} from "@mamba/kernel";
import { everyStorage, KernelError, supportsEverything } from "@mamba/kernel";
import { accumulate } from "./ops/accumulate.ts";
import { adamwStep } from "./ops/adamwStep.ts";
import { add } from "./ops/add.ts";
import { argmax } from "./ops/argmax.ts";
import { causalConv1d } from "./ops/causalConv1d.ts";
import { causalConv1dBackward } from "./ops/causalConv1dBackward.ts";
import { causalConv1dStep } from "./ops/causalConv1dStep.ts";
import { crossEntropy, crossEntropyWithGradient } from "./ops/crossEntropy.ts";
import { embedding } from "./ops/embedding.ts";
import { embeddingBackward } from "./ops/embeddingBackward.ts";
import { flip } from "./ops/flip.ts";
import { linear } from "./ops/linear.ts";
import { linearBackwardInput } from "./ops/linearBackwardInput.ts";
import { linearBackwardWeight } from "./ops/linearBackwardWeight.ts";
import * as transfer from "./ops/memory.ts";
import { mul } from "./ops/mul.ts";
import { negExp } from "./ops/negExp.ts";
import { repetitionPenalty } from "./ops/repetitionPenalty.ts";
import { rmsNorm } from "./ops/rmsNorm.ts";
import { rmsNormBackward } from "./ops/rmsNormBackward.ts";
import { sample } from "./ops/sample.ts";
import { scale } from "./ops/scale.ts";
import { selectiveScan } from "./ops/selectiveScan.ts";
import { selectiveScanBackward } from "./ops/selectiveScanBackward.ts";
import { selectiveScanForward } from "./ops/selectiveScanForward.ts";
import { selectiveStateUpdate } from "./ops/selectiveStateUpdate.ts";
import { silu } from "./ops/silu.ts";
import { siluBackward } from "./ops/siluBackward.ts";
import { sumOfSquares } from "./ops/sumOfSquares.ts";
import { sumRows } from "./ops/sumRows.ts";
import type { DispatchTime } from "./profiler.ts";
import { Readback } from "./readback.ts";
import type { Runtime } from "./runtime.ts";
import { warmUp, type WarmUpOptions } from "./warm-up.ts";

/** The WebGPU backend. Made by `createWebGpuKernel`. */
export class WebGpuKernel implements TrainingKernel {
  readonly name = "webgpu";
  readonly capabilities: Capabilities;
  readonly lost: Promise<KernelError>;
  /** @internal */
  readonly runtime: Runtime;
  readonly #readback: Readback;
  readonly #owned: boolean;

  /**
   * @internal
   * @param lost resolves when the device is lost
   * @param owned whether the device goes with the kernel
   */
  constructor(runtime: Runtime, device: string, lost: Promise<KernelError>, owned: boolean) {
    const maxTensorBytes = runtime.device.limits.maxBufferSize;
    this.capabilities = {
      ...{ device, storage: everyStorage, training: true, deterministic: true },
      maxTensorBytes,
    };
    this.runtime = runtime;
    this.#owned = owned;
    this.lost = new Promise((resolve) => {
      void lost.then((failure) => {
        // The device of a disposed kernel ends with it: that is no loss.
        if (runtime.failure) return;
        runtime.close(failure);
        resolve(failure);
      });
    });
    this.#readback = new Readback(runtime, this.lost);
  }

  /**
   * What went to the device so far: dispatches, the bytes that they read and write (see `DispatchTime`), submissions, and the
   * buffers and bind groups that were made for it.
   */
  get counts(): {
    readonly dispatches: number;
    readonly bytes: number;
    readonly submissions: number;
    readonly buffers: number;
    readonly bindGroups: number;
  } {
    const { commands, pool, groups } = this.runtime;
    return { ...commands.counts, buffers: pool.created, bindGroups: groups.created };
  }

  /**
   * Compiles what inference takes before it is needed, without blocking the thread; what is not compiled then is at its first
   * use, which blocks.
   *
   * @throws KernelError `DRIVER`, `DISPOSED`, `DEVICE_LOST`
   */
  async warmUp(options: WarmUpOptions = {}): Promise<void> {
    this.runtime.checkOpen("warmUp");
    await warmUp(this.runtime, options);
  }

  /**
   * Runs something and tells of every dispatch in it, with its time on the device where that has `timestamp-query`. Each
   * dispatch has a pass to itself then, so the whole takes longer than it would. One profile at a time.
   *
   * @throws KernelError `DISPOSED`, `DEVICE_LOST`, and what `run` throws
   */
  async profile(run: () => unknown): Promise<readonly DispatchTime[]> {
    this.runtime.checkOpen("profile");
    const { commands } = this.runtime;
    commands.startProfile();
    try {
      await run();
    } catch (error) {
      await commands.endProfile();
      throw error;
    }
    return commands.endProfile();
  }

  supports(op: KernelOp, dtype: DType): boolean {
    return supportsEverything(op, dtype);
  }

  upload(data: HostArray, shape: Shape, dtype: DType): Tensor {
    return transfer.upload(this.runtime, data, shape, dtype, this.capabilities);
  }

  zeros(shape: Shape, dtype: DType): Tensor {
    return transfer.zeros(this.runtime, shape, dtype, this.capabilities);
  }

  write(target: Tensor, start: number, data: HostArray): void {
    transfer.write(this.runtime, target, start, data);
  }

  columns(x: Tensor, start: number, count: number): Tensor {
    return this.runtime.columns(x, start, count);
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    return this.runtime.reshape(x, shape);
  }

  gatherRows(x: Tensor, rows: readonly number[]): Tensor {
    return transfer.gatherRows(this.runtime, x, rows);
  }

  copyInto(target: Tensor, source: Tensor): void {
    transfer.copyInto(this.runtime, target, source);
  }

  async read(...tensors: Tensor[]): Promise<HostArray[]> {
    return transfer.read(this.runtime, this.#readback, tensors);
  }

  async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    await this.#readback.sync();
  }

  memory(): { readonly tensors: number; readonly bytes: number } {
    return this.runtime.memory;
  }

  add(a: Tensor, b: Tensor): Tensor {
    return add(this.runtime, a, b);
  }

  mul(a: Tensor, b: Tensor): Tensor {
    return mul(this.runtime, a, b);
  }

  scale(x: Tensor, factor: number): Tensor {
    return scale(this.runtime, x, factor);
  }

  silu(x: Tensor): Tensor {
    return silu(this.runtime, x);
  }

  negExp(x: Tensor): Tensor {
    return negExp(this.runtime, x);
  }

  flip(x: Tensor): Tensor {
    return flip(this.runtime, x);
  }

  linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
    return linear(this.runtime, x, weight, bias);
  }

  rmsNorm(x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
    return rmsNorm(this.runtime, x, weight, eps);
  }

  embedding(ids: Tensor, weight: Tensor): Tensor {
    return embedding(this.runtime, ids, weight);
  }

  causalConv1d(args: ConvArgs): { y: Tensor };
  causalConv1d(args: ConvArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  causalConv1d(args: ConvArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor } {
    return causalConv1d(this.runtime, args, want);
  }

  causalConv1dStep(state: Tensor, args: ConvStepArgs): Tensor {
    return causalConv1dStep(this.runtime, state, args);
  }

  selectiveScan(args: ScanArgs): { y: Tensor };
  selectiveScan(args: ScanArgs, want: { finalState: true }): { y: Tensor; finalState: Tensor };
  selectiveScan(args: ScanArgs, want?: { finalState: true }): { y: Tensor; finalState?: Tensor } {
    return selectiveScan(this.runtime, args, want);
  }

  selectiveStateUpdate(state: Tensor, args: StateUpdateArgs): Tensor {
    return selectiveStateUpdate(this.runtime, state, args);
  }

  argmax(logits: Tensor): Tensor {
    return argmax(this.runtime, logits);
  }

  sample(logits: Tensor, options: SampleOptions): Tensor {
    return sample(this.runtime, logits, options);
  }

  repetitionPenalty(logits: Tensor, ids: Tensor, penalty: number): Tensor {
    return repetitionPenalty(this.runtime, logits, ids, penalty);
  }

  accumulate(target: Tensor, x: Tensor, factor?: number): void {
    accumulate(this.runtime, target, x, factor);
  }

  siluBackward(dy: Tensor, x: Tensor): Tensor {
    return siluBackward(this.runtime, dy, x);
  }

  linearBackwardInput(dy: Tensor, weight: Tensor): Tensor {
    return linearBackwardInput(this.runtime, dy, weight);
  }

  linearBackwardWeight(dy: Tensor, x: Tensor): Tensor {
    return linearBackwardWeight(this.runtime, dy, x);
  }

  sumRows(dy: Tensor): Tensor {
    return sumRows(this.runtime, dy);
  }

  rmsNormBackward(
    dy: Tensor,
    x: Tensor,
    weight: Tensor | undefined,
    eps: number,
  ): { dx: Tensor; dWeight?: Tensor } {
    return rmsNormBackward(this.runtime, dy, x, weight, eps);
  }

  embeddingBackward(dy: Tensor, ids: Tensor, vocabSize: number): Tensor {
    return embeddingBackward(this.runtime, dy, ids, vocabSize);
  }

  causalConv1dBackward(dy: Tensor, args: ConvArgs, dFinalState?: Tensor): Grads<ConvArgs> {
    return causalConv1dBackward(this.runtime, dy, args, dFinalState);
  }

  selectiveScanForward(args: ScanArgs): { y: Tensor; finalState: Tensor; residual: Residual } {
    return selectiveScanForward(this.runtime, args);
  }

  selectiveScanBackward(
    dy: Tensor,
    args: ScanArgs,
    residual: Residual,
    dFinalState?: Tensor,
  ): Grads<ScanArgs> {
    return selectiveScanBackward(this.runtime, dy, args, residual, dFinalState);
  }

  crossEntropy(logits: Tensor, targets: Tensor, ignoreIndex?: number): { loss: Tensor } {
    return crossEntropy(this.runtime, logits, targets, ignoreIndex);
  }

  crossEntropyWithGradient(
    logits: Tensor,
    targets: Tensor,
    ignoreIndex?: number,
  ): { loss: Tensor; dLogits: Tensor } {
    return crossEntropyWithGradient(this.runtime, logits, targets, ignoreIndex);
  }

  sumOfSquares(tensors: readonly Tensor[]): Tensor {
    return sumOfSquares(this.runtime, tensors);
  }

  adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void {
    adamwStep(this.runtime, slots, hyper, gradScale);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#readback.settled();
    this.#readback.destroy();
    this.runtime.destroy();
    if (this.#owned) this.runtime.device.destroy();
  }
}
