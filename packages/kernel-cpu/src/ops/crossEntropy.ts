import type { Op } from "../op.ts";
import type { Sizes } from "@mamba/kernel/author";
import { lineBytes } from "../allocator.ts";
import type { Runtime } from "../runtime.ts";
import { addressOf, type CpuTensor } from "../tensor.ts";

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropy";
  const loss = runtime.result(op, [1]);
  meanLoss(runtime, op, sizes, logits, targets, loss, undefined);
  return { loss };
};

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropyWithGradient";
  const loss = runtime.result(op, [1]);
  const dLogits = runtime.result(op, logits.shape);
  meanLoss(runtime, op, sizes, logits, targets, loss, dLogits);
  return { loss, dLogits };
};

function meanLoss(
  runtime: Runtime,
  op: string,
  { rows, vocabSize, ignoreIndex }: Sizes<"crossEntropy">,
  logits: CpuTensor,
  targets: CpuTensor,
  loss: CpuTensor,
  dLogits: CpuTensor | undefined,
): void {
  const { args } = runtime;
  args[0] = addressOf(logits);
  args[1] = addressOf(targets);
  args[5] = rows;
  args[6] = vocabSize;
  args[7] = logits.rowStride;
  args[8] = ignoreIndex;
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
