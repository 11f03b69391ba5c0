import type { CrossEntropyOptions } from "@mamba/kernel";
import type { Sizes } from "@mamba/kernel/author";
import { rowBlock } from "../elementwise.ts";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets, options) => ({
  loss: meanLoss(runtime, "crossEntropy", sizes, { logits, targets, ...options }),
});

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (runtime, sizes, ...args) => {
  const op = "crossEntropyWithGradient";
  const [logits, targets, options] = args;
  const dLogits = runtime.result(op, logits.shape);
  return { loss: meanLoss(runtime, op, sizes, { logits, targets, dLogits, ...options }), dLogits };
};

interface Arguments extends Own<CrossEntropyOptions> {
  readonly logits: CudaTensor;
  readonly targets: CudaTensor;
  readonly dLogits?: CudaTensor;
}

/** Computes the loss and, when `dLogits` is given, its gradient. */
function meanLoss(
  runtime: Runtime,
  op: string,
  { rows, vocabSize, ignoreIndex, labelSmoothing }: Sizes<"crossEntropy">,
  { logits, targets, classWeights, dLogits }: Arguments,
): CudaTensor {
  const loss = runtime.result(op, [1]);
  const counted = runtime.result(op, [2]);
  const losses = runtime.result(op, [rows]);
  const countArgs = [targets, classWeights, counted, rows, vocabSize, ignoreIndex];
  runtime.launch(op, "crossEntropyCount", 1, 1024, countArgs);
  runtime.launch(op, "crossEntropy", rows, rowBlock(vocabSize, 256), [
    ...[logits, targets, classWeights, counted, losses, dLogits],
    ...[vocabSize, logits.rowStride, ignoreIndex, labelSmoothing],
  ]);
  runtime.launch(op, "crossEntropyMean", 1, 1024, [losses, counted, loss, rows]);
  counted.dispose();
  losses.dispose();
  return loss;
}
