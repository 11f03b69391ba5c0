import { Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { randomTensor } from "../randomTensor.ts";
import { type Effort, time } from "./time.ts";

/** Sizes of a selective scan. */
export interface ScanSize {
  readonly batch: number;
  readonly length: number;
  readonly channels: number;
  readonly stateSize: number;
}

export const scanName = ({ batch, length, channels, stateSize }: ScanSize): string =>
  `scan B=${batch} L=${length} ED=${channels} N=${stateSize}`;

/** One direction of a scan. */
export interface ScanPass {
  readonly name: string;
  /**
   * Minimum bytes in f32: each input is read once, each output written once. Data that an implementation keeps between its
   * passes, or reads twice, does not count, so the distance to a copy shows it. A copy goes to memory, but data that fits
   * into the device's cache (50 MB of an H200, the shortest scan of gpu-check) stays there from run to run.
   */
  readonly bytes: number;
  /** Seconds of one run. @throws KernelError `OUT_OF_MEMORY` */
  readonly measure: (kernel: TrainingKernel, effort: Effort) => Promise<number>;
}

/** The forward of inference, and the backward of training. */
export function scanPasses(size: ScanSize): readonly ScanPass[] {
  const { batch, length, channels, stateSize } = size;
  const name = scanName(size);
  return [
    {
      name: `${name} forward`,
      // u, delta, z, y [B, L, D]; B, C [B, L, N]; A [D, N]; D, deltaBias [D]
      bytes: 4 * (batch * length * (4 * channels + 2 * stateSize) + channels * (stateSize + 2)),
      measure: (kernel, effort) => forwardSeconds(kernel, size, effort),
    },
    {
      name: `${name} backward`,
      // the inputs of the forward and dy; the gradients of all of those inputs
      bytes: 4 * (batch * length * (7 * channels + 4 * stateSize) + 2 * channels * (stateSize + 2)),
      measure: (kernel, effort) => backwardSeconds(kernel, size, effort),
    },
  ];
}

async function forwardSeconds(kernel: TrainingKernel, size: ScanSize, effort: Effort): Promise<number> {
  using scope = new Scope();
  const args = scanInputs(kernel, scope, size);
  return await time(kernel, () => kernel.selectiveScan(args).y.dispose(), effort);
}

async function backwardSeconds(kernel: TrainingKernel, size: ScanSize, effort: Effort): Promise<number> {
  using scope = new Scope();
  const args = scanInputs(kernel, scope, size);
  const dy = wide(kernel, scope, size, 1);
  const { y, finalState, residual } = kernel.selectiveScanForward(args);
  y.dispose();
  finalState.dispose();
  scope.use(residual);
  const run = () => {
    const gradients = kernel.selectiveScanBackward(dy, args, residual);
    for (const gradient of Object.values(gradients)) gradient?.dispose();
  };
  return await time(kernel, run, effort);
}

function scanInputs(kernel: TrainingKernel, scope: Scope, size: ScanSize) {
  const { channels, stateSize } = size;
  const vector = () => randomTensor(kernel, scope, [channels], "f32");
  const narrow = () => wide(kernel, scope, { ...size, channels: stateSize }, 1);
  return {
    ...{ u: wide(kernel, scope, size, 1), delta: wide(kernel, scope, size, 0.1) },
    ...{ z: wide(kernel, scope, size, 1), B: narrow(), C: narrow() },
    A: scope.use(kernel.negExp(randomTensor(kernel, scope, [channels, stateSize], "f32"))),
    ...{ D: vector(), deltaBias: vector(), deltaSoftplus: true },
  };
}

const distinctRows = 1021;

/** [batch, length, channels] of some random rows in turn, gathered on the device, because gigabytes take long to upload. */
function wide(
  kernel: TrainingKernel,
  scope: Scope,
  { batch, length, channels }: ScanSize,
  scale: number,
): Tensor {
  using temporary = new Scope();
  const distinct = randomTensor(kernel, temporary, [distinctRows, channels], "f32", scale);
  const rows = Array.from({ length: batch * length }, (_, i) => i % distinctRows);
  const gathered = temporary.use(kernel.gatherRows(distinct, rows));
  return scope.use(kernel.reshape(gathered, [batch, length, channels]));
}
