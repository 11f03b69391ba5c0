import { KernelError, Scope, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { randomTensor } from "../../apps/cli/src/bench/spec.ts";
import { formatBytes, formatSeconds } from "../../apps/cli/src/format.ts";
import { rate, type Ceilings } from "./ceilings.ts";
import { percent, type Emit } from "./rows.ts";
import { type Effort, time } from "./timing.ts";

/** Sizes of a scan. */
export interface ScanSize {
  readonly batch: number;
  readonly length: number;
  readonly channels: number;
  readonly stateSize: number;
}

export const nameOf = ({ batch, length, channels, stateSize }: ScanSize): string =>
  `scan B=${batch} L=${length} ED=${channels} N=${stateSize}`;

// Bytes that a scan in f32 cannot do without: each input read once, each output written once. What an implementation
// keeps for itself between passes, or reads twice, does not count: it is what separates it from the copy. The copy goes to
// memory; what fits into the device's cache (50 MB of an H200, the shortest scan here) stays there from run to run.

/** u, delta, z, y [B, L, D]; B, C [B, L, N]; A [D, N]; D, deltaBias [D]. */
const forwardBytes = ({ batch, length, channels, stateSize }: ScanSize): number =>
  4 * (batch * length * (4 * channels + 2 * stateSize) + channels * (stateSize + 2));

/** The inputs of the forward and dy; the gradients of all of those inputs. */
const backwardBytes = ({ batch, length, channels, stateSize }: ScanSize): number =>
  4 * (batch * length * (7 * channels + 4 * stateSize) + 2 * channels * (stateSize + 2));

/** The forward as inference calls it, and the backward of training. */
export async function measureScan(
  kernel: TrainingKernel,
  size: ScanSize,
  ceilings: Ceilings,
  effort: Effort,
  emit: Emit,
): Promise<void> {
  const measure = async (pass: string, bytes: number, measured: () => Promise<number>) => {
    const name = `${nameOf(size)} ${pass}`;
    try {
      const seconds = await measured();
      const ofCopy = bytes / seconds / ceilings.copy;
      emit({
        ...{ name, state: "ok", result: formatSeconds(seconds) },
        beside: `${percent(ofCopy)} of copy (${rate(bytes / seconds)})`,
        figures: { seconds, bytes, ofCopy },
      });
    } catch (error) {
      if (!KernelError.is(error, "OUT_OF_MEMORY")) throw error;
      const result = `out of memory: its inputs and outputs alone take ${formatBytes(bytes)}`;
      emit({ name, state: "not run", result });
    }
  };
  await measure("forward", forwardBytes(size), () => forwardSeconds(kernel, size, effort));
  await measure("backward", backwardBytes(size), () => backwardSeconds(kernel, size, effort));
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

/** Random rows that [batch, length, channels] is made of. */
const distinctRows = 1021;

/** [batch, length, channels] of random rows in turn: gathered on the device, since uploading gigabytes takes long. */
function wide(
  kernel: TrainingKernel,
  scope: Scope,
  { batch, length, channels }: ScanSize,
  scale: number,
): Tensor {
  using made = new Scope();
  const distinct = randomTensor(kernel, made, [distinctRows, channels], "f32", scale);
  const rows = Array.from({ length: batch * length }, (_, i) => i % distinctRows);
  const gathered = made.use(kernel.gatherRows(distinct, rows));
  return scope.use(kernel.reshape(gathered, [batch, length, channels]));
}
