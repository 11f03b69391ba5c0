import { type ElementLossArgs, isDense, type Tensor } from "@mamba/kernel";
import { checkConstants } from "./checkConstants.ts";
import type { OpRun } from "./opRun.ts";
import { timesScalar } from "./timesScalar.ts";
import { trainingKernel } from "./trainingKernel.ts";

/** Options that all losses of elements have. */
export interface ElementLossOptions {
  /** The weight of each element, in the shape of the target: the loss is a weighted mean. Default: 1 for each. */
  readonly weight?: Tensor | undefined;
}

/**
 * The kernel's `elementLoss` as an op.
 *
 * @param dTarget -1 for a loss of x - target alone: the gradient of the target is then that of x times -1. Undefined when no
 * gradient flows into the target
 * @throws KernelError `UNSUPPORTED` when the kernel has no training ops
 * @throws MambaError `TAPE` when a gradient is wanted for an argument that gets none
 */
export function elementLoss(run: OpRun, op: string, args: ElementLossArgs, dTarget?: -1): Tensor {
  const { x, weight } = args;
  checkConstants(run, op, { weight, ...(dTarget ? {} : { target: args.target }) });
  const kernel = trainingKernel(op, run.kernel);
  const inputs = [x, args.target];
  const dense = isDense(args.target) ? args.target : run.hold(kernel.scale(args.target, 1));
  const kernelArgs = { ...args, target: dense };
  const recorder = run.recorder(inputs);
  if (recorder === undefined) return run.lossResult(kernel.elementLoss(kernelArgs).loss, inputs, () => {});
  const { loss, dx } = recorder.elementLossWithGradient(kernelArgs);
  run.hold(dx);
  return run.lossResult(loss, inputs, (dLoss, sink) => {
    using gradient = timesScalar(sink.kernel, dx, dLoss);
    dx.dispose();
    sink.add(args.target, () => sink.kernel.scale(gradient, -1));
    sink.add(x, () => sink.kernel.reshape(gradient, x.shape));
  });
}
