import { type DType, type HostArray, KernelError, type Shape } from "@mamba/kernel";
import { OpsKernel, type OpTable } from "@mamba/kernel/author";
import { fetch } from "./fetch.ts";
import { storageTypes } from "./generated/records.ts";
import { maxBytes } from "./heap.ts";
import { availableBytes } from "./limits.ts";
import * as ops from "./ops/index.ts";
import type { Runtime } from "./runtime.ts";
import { storedBytes } from "./storedBytes.ts";
import type { CpuTensor } from "./tensor.ts";

/** The storage types that the assembly has layouts for. */
const storage = new Set(Object.keys(storageTypes) as DType[]).add("i32");

const table: OpTable<Runtime, CpuTensor> = ops;

/** The CPU backend: WebAssembly SIMD, and worker threads where the platform has them. Made by `createCpuKernel`. */
export class CpuKernel extends OpsKernel<CpuTensor, Runtime> {
  readonly name = "cpu";
  readonly lost: Promise<KernelError>;
  readonly #end: () => Promise<void>;

  /** @internal */
  constructor(device: string, runtime: Runtime, lost: Promise<KernelError>, end: () => Promise<void>) {
    super(runtime, table, {
      device,
      storage,
      activations: runtime.activations,
      maxTensorBytes: maxBytes,
      maxBytes: availableBytes(),
      maxOperandBytes: maxBytes,
      batchInvariant: true,
    });
    this.lost = lost;
    this.#end = end;
  }

  /** Bytes of the WebAssembly memories behind all tensors. They only grow; freed chunks are reused. */
  get poolBytes(): number {
    return this.runtime.memories.committedBytes;
  }

  override storedBytes(dtype: DType, shape: Shape): number {
    super.storedBytes(dtype, shape);
    return storedBytes(dtype, shape);
  }

  // An op is done when its call returns, so there is nothing to wait for.
  protected async fetch(tensors: readonly CpuTensor[]): Promise<HostArray[]> {
    return Promise.resolve(tensors.map((tensor) => fetch(this.runtime, tensor)));
  }

  async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    return Promise.resolve();
  }

  async dispose(): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#end();
  }
}
