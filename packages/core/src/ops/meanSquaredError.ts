import { elementCount, Scope, type Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";
import { timesScalar } from "./run/timesScalar.ts";
import { trainingKernel } from "./run/trainingKernel.ts";

/**
 * x and target of one shape -> [1]: the mean of (x - target)² over all elements.
 *
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 */
export function meanSquaredError(run: OpRun, x: Tensor, target: Tensor): Tensor {
  const kernel = trainingKernel("meanSquaredError", run.kernel);
  const count = elementCount(x.shape);
  using scope = new Scope();
  const difference = kernel.add(x, scope.use(kernel.scale(target, -1)));
  scope.use(difference);
  const loss = kernel.scale(scope.use(kernel.sumOfSquares([difference])), 1 / count);
  const inputs = [x, target];
  if (run.recorder(inputs)) run.hold(scope.release(difference));
  return run.lossResult(loss, inputs, (dLoss, sink) => {
    using gradient = timesScalar(sink.kernel, difference, dLoss);
    sink.add(x, () => sink.kernel.scale(gradient, 2 / count));
    sink.add(target, () => sink.kernel.scale(gradient, -2 / count));
    difference.dispose();
  });
}
