import { type HostArray, KernelError } from "@mamba/kernel";
import { OpsKernel, type OpTable } from "@mamba/kernel/author";
import * as ops from "./ops/index.ts";
import type { DispatchTime } from "./profiler.ts";
import { Readback } from "./readback.ts";
import type { Runtime } from "./runtime.ts";
import type { WebGpuTensor } from "./tensor.ts";
import { warmUp, type WarmUpOptions } from "./warm-up.ts";

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
    super(runtime, ops satisfies OpTable<Runtime, WebGpuTensor>, device, runtime.device.limits.maxBufferSize);
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
