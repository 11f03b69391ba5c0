import type { Sizes } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropy";
  const loss = runtime.result(op, [1]);
  computeLoss(runtime, op, sizes, logits, targets, loss, undefined);
  return { loss };
};

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropyWithGradient";
  const loss = runtime.result(op, [1]);
  const dLogits = runtime.result(op, logits.shape);
  computeLoss(runtime, op, sizes, logits, targets, loss, dLogits);
  return { loss, dLogits };
};

function computeLoss(
  runtime: Runtime,
  op: string,
  { rows, vocabSize, ignoreIndex }: Sizes<"crossEntropy">,
  logits: CpuTensor,
  targets: CpuTensor,
  loss: CpuTensor,
  dLogits: CpuTensor | undefined,
): void {
  const losses = runtime.temporary(op, (rows + 1) * 8);
  try {
    const stride = logits.rowStride;
    const record = { logits, targets, losses, loss, dLogits, rows, vocabSize, stride, ignoreIndex };
    runtime.run("crossEntropyCount", record, rows);
    runtime.run("crossEntropy", record, (dLogits ? 1.5 : 1.2) * rows * vocabSize);
    runtime.run("crossEntropyMean", record, rows);
  } finally {
    runtime.heap.free(losses);
  }
}
