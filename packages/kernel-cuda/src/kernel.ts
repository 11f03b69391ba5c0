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
import { Readback } from "./readback.ts";
import type { Runtime } from "./runtime.ts";
import type { CudaTensor } from "./tensor.ts";

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

/** The CUDA backend. Made by `createCudaKernel`. */
export class CudaKernel extends OpsKernel<CudaTensor, Runtime> {
  readonly name = "cuda";
  readonly lost: Promise<KernelError>;
  readonly #readback: Readback;

  /**
   * @internal
   * @param deviceBytes all memory of the device
   */
  constructor(runtime: Runtime, device: string, deviceBytes: number) {
    super(runtime, ops, device, deviceBytes);
    this.lost = runtime.lost;
    this.#readback = new Readback(runtime);
  }

  /**
   * What went to the device so far: launches of all ops, the batches that they went in, graphs replayed for those, kernels
   * launched outside of graphs, kernels of graphs that got other arguments, graphs made, and blocks of memory.
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime.close(new KernelError("DISPOSED", "the kernel was disposed"));
    await this.#readback.settled();
    this.runtime.session.close();
  }
}
