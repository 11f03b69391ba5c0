import { type HostArray, KernelError } from "@mamba/kernel";
import { everyStorage, OpsKernel, type OpTable } from "@mamba/kernel/author";
import * as ops from "./ops/index.ts";
import { Readback } from "./readback.ts";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

/** A kernel of the CUDA backend. `createCudaKernel` opens one. */
export class CudaKernel extends OpsKernel<CudaTensor, Runtime> {
  readonly name = "cuda";
  readonly lost: Promise<KernelError>;
  readonly #readback: Readback;

  /**
   * @internal
   * @param deviceBytes total memory of the device
   */
  constructor(runtime: Runtime, device: string, deviceBytes: number) {
    super(runtime, ops satisfies OpTable<Runtime, CudaTensor>, {
      device,
      storage: everyStorage,
      activations: "f32",
      maxTensorBytes: deviceBytes,
      maxBytes: deviceBytes,
      batchInvariant: runtime.batchInvariant,
    });
    this.lost = runtime.lost;
    this.#readback = new Readback(runtime);
  }

  /**
   * Counters since the kernel was opened: launches recorded, batches submitted, graphs launched, GPU kernels launched outside
   * of graphs, graph nodes whose arguments were replaced, graphs created, and memory blocks allocated.
   */
  get counts(): {
    readonly launches: number;
    readonly submissions: number;
    readonly graphs: number;
    readonly kernels: number;
    readonly updates: number;
    readonly built: number;
    readonly blocks: number;
  } {
    const { session, pool, launches, submissions } = this.runtime;
    return { ...session.counts, launches, submissions, blocks: pool.created };
  }

  protected fetch(tensors: readonly CudaTensor[]): Promise<HostArray[]> {
    return this.#readback.read(tensors);
  }

  async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    await this.#readback.sync();
  }

  async dispose(): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#readback.settled();
    this.runtime.session.close();
  }
}
