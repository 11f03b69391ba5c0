import { checkCrossEntropy, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

const unspecified = -100;

export function crossEntropy(
  runtime: Runtime,
  logits: Tensor,
  targets: Tensor,
  ignoreIndex = unspecified,
): { loss: Tensor } {
  const op = "crossEntropy";
  const sizes = checkCrossEntropy(op, logits, targets, ignoreIndex);
  runtime.checkOpen(op);
  return { loss: lossOf(runtime, op, logits, targets, { ...sizes, ignoreIndex }, undefined) };
}

export function crossEntropyWithGradient(
  runtime: Runtime,
  logits: Tensor,
  targets: Tensor,
  ignoreIndex = unspecified,
): { loss: Tensor; dLogits: Tensor } {
  const op = "crossEntropyWithGradient";
  const sizes = checkCrossEntropy(op, logits, targets, ignoreIndex);
  runtime.checkOpen(op);
  const dLogits = runtime.result(op, logits.shape);
  return { loss: lossOf(runtime, op, logits, targets, { ...sizes, ignoreIndex }, dLogits), dLogits };
}

/** The loss; its gradient goes to `dLogits`, when given. */
function lossOf(
  runtime: Runtime,
  op: string,
  logits: Tensor,
  targets: Tensor,
  sizes: { readonly rows: number; readonly vocabSize: number; readonly ignoreIndex: number },
  dLogits: CudaTensor | undefined,
): CudaTensor {
  const { rows, vocabSize, ignoreIndex } = sizes;
  const [from, ids] = [runtime.own(op, "logits", logits), runtime.own(op, "targets", targets)];
  const loss = runtime.result(op, [1]);
  const counted = runtime.result(op, [1]);
  const losses = runtime.result(op, [rows]);
  runtime.launch(op, "crossEntropyCount", 1, 1024, [ids, counted, rows, ignoreIndex]);
  const args = [from, ids, counted, losses, dLogits, vocabSize, from.rowStride, ignoreIndex];
  runtime.launch(op, "crossEntropy", rows, 256, args);
  runtime.launch(op, "crossEntropyMean", 1, 1024, [losses, counted, loss, rows]);
  counted.dispose();
  losses.dispose();
  return loss;
}
