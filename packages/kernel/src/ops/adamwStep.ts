import { bindAxes } from "../checks/bindAxes.ts";
import { fail } from "../checks/fail.ts";
import { checkInteger, checkNotNegative } from "../checks/scalars.ts";
import { checkDense, checkF32, checkSameShape } from "../checks/tensors.ts";
import type { OpDefinition } from "../op.ts";
import type { Tensor } from "../tensor.ts";

/** Hyperparameters of one AdamW step (Loshchilov & Hutter 2019, algorithm 2). */
export interface AdamWParams {
  /** 1 for the first step: bias correction is 1 - beta^step. */
  step: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Decoupled: `param -= lr * weightDecay * param`. */
  weightDecay: number;
}

/** A parameter with its gradient and moments: four float32 tensors of one shape. */
export interface AdamWSlot {
  param: Tensor;
  grad: Tensor;
  m: Tensor;
  v: Tensor;
}

export interface AdamWStepOp {
  /**
   * One optimizer step; updates `param`, `m` and `v` of every slot in place:
   * ```
   * g = grad * gradScale                                gradScale [1], default 1
   * m = beta1 * m + (1 - beta1) * g
   * v = beta2 * v + (1 - beta2) * g²
   * param -= lr * (m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps) + weightDecay * param)
   * ```
   * All tensors are dense, and no memory belongs to two slots.
   */
  adamwStep(slots: readonly AdamWSlot[], hyper: AdamWParams, gradScale?: Tensor): void;
}

export const adamwStep = {
  parameters: ["slots", "hyper", "gradScale"],
  check(slots, hyper, gradScale) {
    const op = "adamwStep";
    if (slots.length === 0) fail("ARGUMENT", op, "slots must hold at least one parameter, got none");
    slots.forEach((slot, i) => {
      for (const name of ["param", "grad", "m", "v"] as const) {
        const path = `slots[${i}].${name}`;
        checkF32(op, path, slot[name]);
        checkSameShape(op, path, slot[name], "its param", slot.param);
        checkDense(op, path, slot[name]);
      }
    });
    bindAxes(op, { gradScale: { tensor: gradScale, axes: "1", dense: true } });
    checkInteger(op, "step", hyper.step, 1, Number.MAX_SAFE_INTEGER);
    for (const name of ["lr", "weightDecay", "eps"] as const) checkNotNegative(op, name, hyper[name]);
    for (const name of ["beta1", "beta2"] as const) {
      const value = hyper[name];
      if (!(value >= 0 && value < 1)) fail("ARGUMENT", op, `${name} must be in [0, 1), got ${value}`);
    }
  },
  writes: (slots) => slots.flatMap(({ param, m, v }) => [param, m, v]),
} satisfies OpDefinition<AdamWStepOp["adamwStep"]>;
