import type { Kernel, Tensor, TrainingKernel } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** Computes a result, which the caller of `custom` owns, from kernel ops. Frees what it makes on the way. */
export type CustomForward = (kernel: Kernel) => Tensor;

/**
 * Computes the gradients of the inputs, in their order and shapes, from that of the result. Undefined where there is none.
 *
 * @param dy the gradient of the result, borrowed
 * @param y the result, borrowed
 */
export type CustomBackward = (
  kernel: TrainingKernel,
  dy: Tensor,
  y: Tensor,
) => readonly (Tensor | undefined)[];

/**
 * An op of your own: `forward` computes the result from `inputs` by kernel ops, `backward` their gradients. `backward` runs
 * only on a tape that tracks one of the inputs.
 */
export function custom(
  run: OpRun,
  inputs: readonly Tensor[],
  forward: CustomForward,
  backward: CustomBackward,
): Tensor {
  const y = forward(run.kernel);
  return run.result(y, inputs, (dy, sink) => {
    for (const [i, gradient] of backward(sink.kernel, dy, y).entries()) {
      const x = inputs[i];
      if (x && gradient) sink.addAll({ x }, { x: gradient });
    }
  });
}
