import type { CrossEntropyOptions, Tensor } from "@mamba/kernel";
import { checkOptions, number, objectWith, type Rules } from "../checkOptions.ts";
import { checkConstants } from "./run/checkConstants.ts";
import type { OpRun } from "./run/opRun.ts";
import { timesScalar } from "./run/timesScalar.ts";
import { trainingKernel } from "./run/trainingKernel.ts";

const rules: Rules<CrossEntropyOptions> = {
  ignoreIndex: number("a whole number", Number.isInteger),
  labelSmoothing: number("a number in [0, 1)", (value) => value >= 0 && value < 1),
  classWeights: objectWith("a tensor [V]", "dispose"),
};

/**
 * logits [M, V], targets i32 [M] -> [1]: the mean of -log softmax(logits)[target] over the targets that are not
 * `ignoreIndex` (default -100), 0 when all are; with smoothed labels and class weights as in `CrossEntropyOptions`.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 * @throws MambaError `OPTIONS`; `TAPE` when the class weights depend on a tracked tensor
 */
export function crossEntropy(
  run: OpRun,
  logits: Tensor,
  targets: Tensor,
  options: CrossEntropyOptions = {},
): Tensor {
  checkOptions("crossEntropy", options, rules);
  checkConstants(run, "crossEntropy", { classWeights: options.classWeights });
  const recorder = run.recorder([logits]);
  if (recorder === undefined) {
    const { loss } = trainingKernel("crossEntropy", run.kernel).crossEntropy(logits, targets, options);
    return run.lossResult(loss, [logits], () => {});
  }
  // The forward computes the gradient as well: softmax is needed for both.
  const { loss, dLogits } = recorder.crossEntropyWithGradient(logits, targets, options);
  run.hold(dLogits);
  return run.lossResult(loss, [logits], (dLoss, sink) => {
    sink.add(logits, () => timesScalar(sink.kernel, dLogits, dLoss));
    dLogits.dispose();
  });
}
