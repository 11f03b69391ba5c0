import { type HostArray, KernelError, OpsKernel, type OpTable } from "@mamba/kernel";
import { maxBytes } from "./heap.ts";
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
import { linearBackwardInput, linearBackwardWeight } from "./ops/linearBackward.ts";
import { copyInto, fetch, gatherRows, upload, write, zeros } from "./ops/memory.ts";
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
import type { Runtime } from "./runtime.ts";
import type { CpuTensor } from "./tensor.ts";

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

/** The CPU backend: WebAssembly SIMD, and worker threads where the platform has them. Made by `createCpuKernel`. */
export class CpuKernel extends OpsKernel<CpuTensor, Runtime> {
  readonly name = "cpu";
  readonly lost: Promise<KernelError>;
  readonly #end: () => Promise<void>;

  /** @internal */
  constructor(device: string, runtime: Runtime, lost: Promise<KernelError>, end: () => Promise<void>) {
    super(runtime, ops, device, maxBytes);
    this.lost = lost;
    this.#end = end;
  }

  /** Bytes of WebAssembly memory behind all tensors: it only grows, and what is freed is used again. */
  get poolBytes(): number {
    return this.runtime.heap.committedBytes;
  }

  // Ops are done when their call returns, so there is never anything to wait for.
  protected async fetch(tensors: readonly CpuTensor[]): Promise<HostArray[]> {
    return Promise.resolve(fetch(this.runtime, tensors));
  }

  async sync(): Promise<void> {
    this.runtime.checkOpen("sync");
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#end();
  }
}
