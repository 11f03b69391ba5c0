import type {
  Capabilities,
  ConvArgs,
  ConvStepArgs,
  DType,
  HostArray,
  Kernel,
  KernelOp,
  SampleOptions,
  ScanArgs,
  Shape,
  StateUpdateArgs,
  Tensor,
} from "@mamba/kernel";
import { KernelError } from "@mamba/kernel";
import { add } from "./ops/add.ts";
import { argmax } from "./ops/argmax.ts";
import { causalConv1d } from "./ops/causalConv1d.ts";
import { causalConv1dStep } from "./ops/causalConv1dStep.ts";
import { embedding } from "./ops/embedding.ts";
import { flip } from "./ops/flip.ts";
import { linear } from "./ops/linear.ts";
import * as transfer from "./ops/memory.ts";
import { mul } from "./ops/mul.ts";
import { negExp } from "./ops/negExp.ts";
import { repetitionPenalty } from "./ops/repetitionPenalty.ts";
import { rmsNorm } from "./ops/rmsNorm.ts";
import { sample } from "./ops/sample.ts";
import { scale } from "./ops/scale.ts";
import { selectiveScan } from "./ops/selectiveScan.ts";
import { selectiveStateUpdate } from "./ops/selectiveStateUpdate.ts";
import { silu } from "./ops/silu.ts";
import { Readback } from "./readback.ts";
import type { Runtime } from "./runtime.ts";
import { warmUp, type WarmUpOptions } from "./warm-up.ts";

const storage: ReadonlySet<DType> = new Set<DType>(["f32", "f16", "bf16", "i32"]);
const ops: ReadonlySet<KernelOp> = new Set<KernelOp>([
  ...(["add", "mul", "scale", "silu", "negExp", "flip", "linear", "rmsNorm", "embedding"] as const),
  ...(["causalConv1d", "causalConv1dStep", "selectiveScan", "selectiveStateUpdate"] as const),
  ...(["argmax", "sample", "repetitionPenalty"] as const),
]);
const halfOps: ReadonlySet<KernelOp> = new Set<KernelOp>(["linear", "embedding"]);

/** The WebGPU backend. Made by `createWebGpuKernel`. */
export class WebGpuKernel implements Kernel {
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
    this.capabilities = { device, storage, training: false, deterministic: true, maxTensorBytes };
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

  /** What went to the device so far: dispatches, submissions, and the buffers and bind groups that were made for it. */
  get counts(): {
    readonly dispatches: number;
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
    await warmUp(this.runtime.pipelines, options);
  }

  supports(op: KernelOp, dtype: DType): boolean {
    if (!ops.has(op)) return false;
    return dtype === "f32" || (dtype !== "i32" && halfOps.has(op));
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
    return transfer.columns(this.runtime, x, start, count);
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    return transfer.reshape(this.runtime, x, shape);
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#readback.settled();
    this.#readback.destroy();
    this.runtime.destroy();
    if (this.#owned) this.runtime.device.destroy();
  }
}
