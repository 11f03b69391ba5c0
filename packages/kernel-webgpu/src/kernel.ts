import { type DType, type HostArray, KernelError, type Shape } from "@mamba/kernel";
import { everyStorage, OpsKernel, type OpTable } from "@mamba/kernel/author";
import type { DispatchTime } from "./commands/profiler.ts";
import { Readback } from "./commands/readback.ts";
import type { WebGpuTensor } from "./memory/tensor.ts";
import * as ops from "./ops/index.ts";
import { storedBytes } from "./quantized/layouts.ts";
import type { Runtime } from "./runtime.ts";
import { warmUp, type WarmUpOptions } from "./warmUp.ts";

/** A kernel of the WebGPU backend. Created by `createWebGpuKernel`. */
export class WebGpuKernel extends OpsKernel<WebGpuTensor, Runtime> {
  readonly name = "webgpu";
  readonly lost: Promise<KernelError>;
  readonly #readback: Readback;
  readonly #owned: boolean;

  /**
   * @internal
   * @param lost resolves when the device is lost
   * @param owned true when the device is destroyed with the kernel
   */
  constructor(runtime: Runtime, device: string, lost: Promise<KernelError>, owned: boolean) {
    super(runtime, ops satisfies OpTable<Runtime, WebGpuTensor>, {
      device,
      storage: everyStorage,
      activations: "f32",
      maxTensorBytes: runtime.device.limits.maxBufferSize,
      maxBytes: undefined, // WebGPU does not tell
      batchInvariant: runtime.traits.batchInvariant && runtime.scanChunk === undefined,
    });
    this.#owned = owned;
    this.lost = new Promise((resolve) => {
      void lost.then((failure) => {
        // Disposing the kernel destroys its device: that is not a loss.
        if (runtime.failure) return;
        runtime.close(failure);
        resolve(failure);
      });
    });
    this.#readback = new Readback(runtime, this.lost);
  }

  /**
   * Totals so far: dispatches, the bytes that they read and write (see `DispatchTime`), submissions, and the buffers and bind
   * groups that were created.
   */
  get counts(): {
    readonly dispatches: number;
    readonly bytes: number;
    readonly submissions: number;
    readonly buffers: number;
    readonly bindGroups: number;
  } {
    const { commands, pool, bindGroups } = this.runtime;
    return { ...commands.counts, buffers: pool.created, bindGroups: bindGroups.created };
  }

  /**
   * Compiles the shaders of inference ahead of their first use, without blocking the thread. A shader that is not compiled
   * ahead is compiled at its first use, which blocks the thread.
   *
   * @throws KernelError `DRIVER`, `DISPOSED`, `DEVICE_LOST`
   */
  async warmUp(options: WarmUpOptions = {}): Promise<void> {
    this.runtime.checkOpen("warmUp");
    await warmUp(this.runtime, options);
  }

  /**
   * Calls `run` and returns all dispatches that it records, with their times on the device if it has `timestamp-query`. Each
   * dispatch gets its own pass meanwhile, so the whole takes longer than without a profile. One profile at a time.
   *
   * @throws KernelError `DISPOSED` or `DEVICE_LOST`, and the errors of `run`
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

  override storedBytes(dtype: DType, shape: Shape): number {
    super.storedBytes(dtype, shape);
    return storedBytes(dtype, shape);
  }

  protected fetch(tensors: readonly WebGpuTensor[]): Promise<HostArray[]> {
    return this.#readback.read(tensors);
  }

  async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    await this.#readback.sync();
  }

  async dispose(): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#readback.settled();
    this.#readback.destroy();
    this.runtime.destroy();
    if (this.#owned) this.runtime.device.destroy();
  }
}
