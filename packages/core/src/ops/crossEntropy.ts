import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { timesScalar } from "./run/timesScalar.ts";
import { trainingKernel } from "./run/trainingKernel.ts";

/**
 * logits [M, V], targets i32 [M] -> [1]: the mean of -log softmax(logits)[target] over the targets that are not
 * `ignoreIndex` (default -100), 0 when all are.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 */
export function crossEntropy(run: OpRun, logits: Tensor, targets: Tensor, ignoreIndex?: number): Tensor {
  const recorder = run.recorder([logits]);
  if (recorder === undefined) {
    const { loss } = trainingKernel("crossEntropy", run.kernel).crossEntropy(logits, targets, ignoreIndex);
    return run.lossResult(loss, [logits], () => {});
  }
  // The forward computes the gradient as well: softmax is needed for both.
  const { loss, dLogits } = recorder.crossEntropyWithGradient(logits, targets, ignoreIndex);
  run.hold(dLogits);
  return run.lossResult(loss, [logits], (dLoss, sink) => {
    sink.add(logits, () => timesScalar(sink.kernel, dLogits, dLoss));
    dLogits.dispose();
  });
}
