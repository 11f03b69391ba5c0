import { formatShape, type Kernel, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { describe } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { OpRun } from "./run/opRun.ts";

/** Computes a result, which the caller of `custom` owns, from kernel ops. Frees what it makes on the way. */
export type CustomForward = (kernel: Kernel) => Tensor;

/**
 * Computes the gradients of the inputs, in their order and shapes, from that of the result: new tensors, which the tape takes
 * over. Undefined where there is none.
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
 *
 * @throws MambaError `INPUT` when `forward` returns no tensor or one of the inputs, and, from the tape's `backward`, when
 * `backward` returns another number of gradients than there are inputs, a gradient in another shape or type than its input, or
 * a tensor that is not its own to give away: an input, the result, its gradient, a disposed one or one twice
 */
export function custom(
  run: OpRun,
  inputs: readonly Tensor[],
  forward: CustomForward,
  backward: CustomBackward,
): Tensor {
  const y: unknown = forward(run.kernel);
  checkOwn("forward must return", y, inputs);
  return run.result(y, inputs, (dy, sink) => {
    const gradients: unknown = backward(sink.kernel, dy, y);
    if (!Array.isArray(gradients) || gradients.length !== inputs.length) {
      const found = Array.isArray(gradients) ? String(gradients.length) : describe(gradients);
      throw wrong(
        `backward must return an array of ${inputs.length} gradients, one for each input, got ${found}`,
      );
    }
    const taken = [...inputs, dy, y];
    for (const [i, x] of inputs.entries()) {
      const gradient: unknown = gradients[i];
      if (gradient === undefined) continue;
      checkOwn(`gradient ${i} of backward must be`, gradient, taken);
      taken.push(gradient);
      const [expected, found] = [
        `f32 ${formatShape(x.shape)}`,
        `${gradient.dtype} ${formatShape(gradient.shape)}`,
      ];
      if (found !== expected)
        throw wrong(`gradient ${i} of backward must be ${expected} like its input, got ${found}`);
    }
    for (const [i, gradient] of (gradients as readonly (Tensor | undefined)[]).entries()) {
      const x = inputs[i];
      if (x && gradient) sink.addAll({ x }, { x: gradient });
    }
  });
}

/** @throws MambaError `INPUT` unless `value` is a tensor that is none of `taken`, which belong to others */
function checkOwn(rule: string, value: unknown, taken: readonly Tensor[]): asserts value is Tensor {
  const isTensor = typeof value === "object" && value !== null && "rowStride" in value;
  if (!isTensor) throw wrong(`${rule} a tensor, got ${describe(value)}`);
  const tensor = value as unknown as Tensor;
  if (tensor.disposed) throw wrong(`${rule} a tensor, got a disposed one`);
  if (!taken.includes(tensor)) return;
  throw wrong(`${rule} a new tensor, got one that another owns; copy it with kernel.scale(x, 1)`);
}

function wrong(message: string): MambaError {
  return new MambaError("INPUT", `custom: ${message}`);
}
