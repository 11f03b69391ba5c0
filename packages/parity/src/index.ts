import type { StepEvent } from "@mamba/train";

export { generateOnTwo } from "./states.ts";
export { trainingNames, trainSmallModel } from "./trainings.ts";

/**
 * The largest `distance` allowed between two backends. Over 60 steps and three seeds the losses of the WebGPU backend (from
 * 2.15 down to 0.13) differed from the CPU's by at most 4e-7, and the gradient norms by 3e-7 relative to the norm: float32
 * rounding. A driver's exp may be some tens of times less exact than that of the software adapter measured; an error in a
 * gradient exceeds 1e-5 by far.
 */
export const parityTolerance = 1e-5;

/** The largest difference of the losses, and the largest relative difference of the gradient norms. NaN counts as infinite. */
export function distance(actual: readonly StepEvent[], expected: readonly StepEvent[]) {
  let [loss, gradNorm] = actual.length === expected.length ? [0, 0] : [Infinity, Infinity];
  const worse = (worst: number, found: number) =>
    found <= worst ? worst : Number.isNaN(found) ? Infinity : found;
  for (const [i, wanted] of expected.entries()) {
    const found = actual[i];
    loss = worse(loss, Math.abs((found?.loss ?? NaN) - wanted.loss));
    gradNorm = worse(gradNorm, Math.abs((found?.gradNorm ?? NaN) / wanted.gradNorm - 1));
  }
  return { loss, gradNorm };
}
