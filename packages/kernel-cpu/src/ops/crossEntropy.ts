import type { Sizes } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CpuTensor } from "../tensor.ts";

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropy";
  const loss = runtime.result(op, [1]);
  computeLoss(runtime, op, sizes, { logits, targets, loss, dLogits: undefined });
  return { loss };
};

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropyWithGradient";
  const loss = runtime.result(op, [1]);
  const dLogits = runtime.result(op, logits.shape);
  computeLoss(runtime, op, sizes, { logits, targets, loss, dLogits });
  return { loss, dLogits };
};

interface Tensors {
  readonly logits: CpuTensor;
  readonly targets: CpuTensor;
  readonly loss: CpuTensor;
  readonly dLogits: CpuTensor | undefined;
}

function computeLoss(
  runtime: Runtime,
  op: string,
  { rows, vocabSize, ignoreIndex }: Sizes<"crossEntropy">,
  tensors: Tensors,
): void {
  const losses = runtime.temporary(op, (rows + 1) * 8);
  try {
    const record = { ...tensors, losses, rows, vocabSize, stride: tensors.logits.rowStride, ignoreIndex };
    runtime.run("crossEntropyCount", record, rows);
    runtime.run("crossEntropy", record, (tensors.dLogits ? 1.5 : 1.2) * rows * vocabSize);
    runtime.run("crossEntropyMean", record, rows);
  } finally {
    runtime.heap.free(losses);
  }
}
