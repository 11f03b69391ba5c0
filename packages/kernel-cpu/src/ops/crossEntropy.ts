import type { CrossEntropyOptions } from "@mamba/kernel";
import type { Sizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets, options) => {
  const op = "crossEntropy";
  const loss = runtime.result(op, [1]);
  computeLoss(runtime, op, sizes, logits, targets, options, loss, undefined);
  return { loss };
};

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (
  runtime,
  sizes,
  logits,
  targets,
  options,
) => {
  const op = "crossEntropyWithGradient";
  const loss = runtime.result(op, [1]);
  const dLogits = runtime.result(op, logits.shape);
  computeLoss(runtime, op, sizes, logits, targets, options, loss, dLogits);
  return { loss, dLogits };
};

function computeLoss(
  runtime: Runtime,
  op: string,
  { rows, vocabSize, ignoreIndex, labelSmoothing }: Sizes<"crossEntropy">,
  logits: CpuTensor,
  targets: CpuTensor,
  options: Own<CrossEntropyOptions> | undefined,
  loss: CpuTensor,
  dLogits: CpuTensor | undefined,
): void {
  const losses = runtime.temporary(op, (rows + 2) * 8);
  try {
    const record = {
      ...{ logits, targets, classWeights: options?.classWeights, losses, loss, dLogits },
      ...{ rows, vocabSize, stride: logits.rowStride, ignoreIndex, labelSmoothing },
    };
    runtime.run("crossEntropyCount", record, rows);
    runtime.run("crossEntropy", record, (dLogits ? 1.5 : 1.2) * rows * vocabSize);
    runtime.run("crossEntropyMean", record, rows);
  } finally {
    runtime.heap.free(losses);
  }
}
