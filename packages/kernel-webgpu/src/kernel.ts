import { type HostArray, KernelError, OpsKernel, type OpTable } from "@mamba/kernel";
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
import { copyInto, gatherRows, upload, write, zeros } from "./ops/memory.ts";
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
import type { WebGpuTensor } from "./tensor.ts";
import { warmUp, type WarmUpOptions } from "./warm-up.ts";

const ops: OpTable<Runtime> = {
  accumulate,
  adamwStep,
  add,
  argmax,
  causalConv1d,
  causalConv1dBackward,
  causalConv1dStep,
  copyInto,
  crossEntropy,
  crossEntropyWithGradient,
  embedding,
  embeddingBackward,
  flip,
  gatherRows,
  linear,
  linearBackwardInput,
  linearBackwardWeight,
  mul,
  negExp,
  repetitionPenalty,
  rmsNorm,
  rmsNormBackward,
  sample,
  scale,
  selectiveScan,
  selectiveScanBackward,
  selectiveScanForward,
  selectiveStateUpdate,
  silu,
  siluBackward,
  sumOfSquares,
  sumRows,
  upload,
  write,
  zeros,
};

/** The WebGPU backend. Made by `createWebGpuKernel`. */
export class WebGpuKernel extends OpsKernel<WebGpuTensor, Runtime> {
  readonly name = "webgpu";
  readonly lost: Promise<KernelError>;
  readonly #readback: Readback;
  readonly #owned: boolean;

  /**
   * @internal
   * @param lost resolves when the device is lost
   * @param owned whether the device goes with the kernel
   */
  constructor(runtime: Runtime, device: string, lost: Promise<KernelError>, owned: boolean) {
    super(runtime, ops, device, runtime.device.limits.maxBufferSize);
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

  protected fetch(tensors: readonly WebGpuTensor[]): Promise<HostArray[]> {
    return this.#readback.read(tensors);
  }

  async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    await this.#readback.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#readback.settled();
    this.#readback.destroy();
    this.runtime.destroy();
    if (this.#owned) this.runtime.device.destroy();
  }
}
