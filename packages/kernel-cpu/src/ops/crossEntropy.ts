import { checkCrossEntropy, type Tensor } from "@mamba/kernel";
import { lineBytes } from "../allocator.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

const defaultIgnoreIndex = -100;

export function crossEntropy(
  runtime: Runtime,
  logits: Tensor,
  targets: Tensor,
  ignoreIndex = defaultIgnoreIndex,
): { loss: Tensor } {
  const op = "crossEntropy";
  const sizes = writeInputs(runtime, op, logits, targets, ignoreIndex);
  const loss = runtime.result(op, [1]);
  meanLoss(runtime, op, sizes, loss, undefined);
  return { loss };
}

export function crossEntropyWithGradient(
  runtime: Runtime,
  logits: Tensor,
  targets: Tensor,
  ignoreIndex = defaultIgnoreIndex,
): { loss: Tensor; dLogits: Tensor } {
  const op = "crossEntropyWithGradient";
  const sizes = writeInputs(runtime, op, logits, targets, ignoreIndex);
  const loss = runtime.result(op, [1]);
  const dLogits = runtime.result(op, logits.shape);
  meanLoss(runtime, op, sizes, loss, dLogits);
  return { loss, dLogits };
}

interface Sizes {
  readonly rows: number;
  readonly vocabSize: number;
}

function writeInputs(
  runtime: Runtime,
  op: string,
  logits: Tensor,
  targets: Tensor,
  ignoreIndex: number,
): Sizes {
  const sizes = checkCrossEntropy(op, logits, targets, ignoreIndex);
  runtime.checkOpen(op);
  const { args } = runtime;
  args[0] = runtime.at(op, "logits", logits);
  args[1] = runtime.at(op, "targets", targets);
  args[5] = sizes.rows;
  args[6] = sizes.vocabSize;
  args[7] = logits.rowStride;
  args[8] = ignoreIndex;
  return sizes;
}

function meanLoss(
  runtime: Runtime,
  op: string,
  { rows, vocabSize }: Sizes,
  loss: CpuTensor,
  dLogits: CpuTensor | undefined,
): void {
  const { args } = runtime;
  const losses = runtime.temporary(op, (rows + 1) * 8);
  try {
    args[2] = losses.start * lineBytes;
    args[3] = loss.address;
    args[4] = dLogits?.address ?? 0;
    runtime.run("crossEntropyCount", rows);
    runtime.run("crossEntropy", (dLogits ? 1.5 : 1.2) * rows * vocabSize);
    runtime.run("crossEntropyMean", rows);
  } finally {
    runtime.heap.free(losses);
  }
}
