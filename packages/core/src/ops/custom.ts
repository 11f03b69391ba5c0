import { formatShape, type Kernel, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { describe } from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import type { OpRun } from "./run/opRun.ts";

/** Computes a result, which the caller of `custom` owns, from kernel ops. Frees what it makes on the way. */
export type CustomForward = (kernel: Kernel) => Tensor;

/**
 * Computes the gradients of the inputs, in their order and shapes, from that of the result: new tensors, which the tape
 * owns from then on, also when it refuses them. Undefined where there is none.
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
    try {
      checkGradients(gradients, inputs, [dy, y]);
    } catch (error) {
      freeOwn(gradients, [...inputs, dy, y]);
      throw error;
    }
    for (const [i, gradient] of gradients.entries()) {
      const x = inputs[i];
      if (x && gradient) sink.addAll({ x }, { x: gradient });
    }
  });
}

/** @throws MambaError `INPUT` unless there is a gradient, or undefined, for each input, of its shape and none of `others` */
function checkGradients(
  gradients: unknown,
  inputs: readonly Tensor[],
  others: readonly Tensor[],
): asserts gradients is readonly (Tensor | undefined)[] {
  if (!Array.isArray(gradients) || gradients.length !== inputs.length) {
    const found = Array.isArray(gradients) ? String(gradients.length) : describe(gradients);
    throw wrong(
      `backward must return an array of ${inputs.length} gradients, one for each input, got ${found}`,
    );
  }
  const taken = [...inputs, ...others];
  for (const [i, { shape }] of inputs.entries()) {
    const gradient: unknown = gradients[i];
    if (gradient === undefined) continue;
    checkOwn(`gradient ${i} of backward must be`, gradient, taken);
    taken.push(gradient);
    const expected = `f32 ${formatShape(shape)}`;
    const found = `${gradient.dtype} ${formatShape(gradient.shape)}`;
    if (found !== expected)
      throw wrong(`gradient ${i} of backward must be ${expected} like its input, got ${found}`);
  }
}

/** Frees the tensors that a refused `backward` returned, but none of `others`. */
function freeOwn(gradients: unknown, others: readonly Tensor[]): void {
  if (!Array.isArray(gradients)) return;
  for (const gradient of gradients as readonly unknown[]) {
    if (isTensor(gradient) && !others.includes(gradient)) gradient.dispose();
  }
}

/** @throws MambaError `INPUT` unless `value` is a tensor that is none of `taken`, which belong to others */
function checkOwn(rule: string, value: unknown, taken: readonly Tensor[]): asserts value is Tensor {
  if (!isTensor(value)) throw wrong(`${rule} a tensor, got ${describe(value)}`);
  if (value.disposed) throw wrong(`${rule} a tensor, got a disposed one`);
  if (!taken.includes(value)) return;
  throw wrong(`${rule} a new tensor, got one that another owns; copy it with kernel.scale(x, 1)`);
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "rowStride" in value;
}

function wrong(message: string): MambaError {
  return new MambaError("INPUT", `custom: ${message}`);
}
