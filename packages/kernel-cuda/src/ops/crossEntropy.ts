import type { Sizes } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets) => ({
  loss: meanLoss(runtime, "crossEntropy", sizes, logits, targets, undefined),
});

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropyWithGradient";
  const dLogits = runtime.result(op, logits.shape);
  return { loss: meanLoss(runtime, op, sizes, logits, targets, dLogits), dLogits };
};

/** Computes the loss and, when `dLogits` is given, its gradient. */
function meanLoss(
  runtime: Runtime,
  op: string,
  { rows, vocabSize, ignoreIndex }: Sizes<"crossEntropy">,
  logits: CudaTensor,
  targets: CudaTensor,
  dLogits: CudaTensor | undefined,
): CudaTensor {
  const loss = runtime.result(op, [1]);
  const counted = runtime.result(op, [1]);
  const losses = runtime.result(op, [rows]);
  runtime.launch(op, "crossEntropyCount", 1, 1024, [targets, counted, rows, ignoreIndex]);
  const args = [logits, targets, counted, losses, dLogits, vocabSize, logits.rowStride, ignoreIndex];
  runtime.launch(op, "crossEntropy", rows, 256, args);
  runtime.launch(op, "crossEntropyMean", 1, 1024, [losses, counted, loss, rows]);
  counted.dispose();
  losses.dispose();
  return loss;
}
