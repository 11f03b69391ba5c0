import type { ArenaTensor } from "../arena.ts";
import { crossEntropy, crossEntropyWithGradient } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

interface LossData {
  rows: number;
  width: number;
  /** Written in place. */
  loss: Float32Array;
  /** Written in place. */
  gradient: Float32Array;
  logits: ArrayLike<number>;
  targets: ArrayLike<number>;
  ignoreIndex: number;
}

/** Rows that count. */
function counted({ rows, targets, ignoreIndex }: LossData): number {
  return Array.from({ length: rows }, (_, r) => targets[r]).filter((target) => target !== ignoreIndex).length;
}

/** A loss and gradient that are changed after they were computed, or computed with another `ignoreIndex`. */
const loss = (
  name: string,
  change: (data: LossData) => void,
  ignoreIndexOf: (ignoreIndex: number) => number = (index) => index,
): Fault =>
  fault("crossEntropyWithGradient", `cross-entropy: ${name}`, (arena, sizes, logits, targets, options) => {
    const { rows, vocabSize: width, ignoreIndex } = sizes;
    const used = { ...sizes, ignoreIndex: ignoreIndexOf(ignoreIndex) };
    const results = crossEntropyWithGradient(arena, used, logits, targets, options);
    const [lossTensor, gradientTensor] = [results.loss as ArenaTensor, results.dLogits as ArenaTensor];
    const data = {
      ...{ rows, width, ignoreIndex, logits: logits.values(), targets: targets.values() },
      ...{
        loss: Float32Array.from(lossTensor.values()),
        gradient: Float32Array.from(gradientTensor.values()),
      },
    };
    change(data);
    lossTensor.elements.set(data.loss);
    gradientTensor.elements.set(data.gradient);
    return results;
  });

export const crossEntropyFaults = [
  fault(
    "crossEntropy",
    "cross-entropy: the loss alone counts ignored targets",
    (arena, sizes, logits, targets, options) => {
      const { rows, ignoreIndex } = sizes;
      const { loss } = crossEntropy(arena, sizes, logits, targets, options);
      const real = targets.values().filter((target) => target !== ignoreIndex).length;
      const tensor = loss as ArenaTensor;
      tensor.elements.set([((tensor.elements[0] ?? 0) * real) / rows]);
      return { loss };
    },
  ),
  fault("crossEntropy", "cross-entropy: ignores the class weights", (arena, sizes, logits, targets) =>
    crossEntropy(arena, sizes, logits, targets),
  ),
  fault(
    "crossEntropyWithGradient",
    "cross-entropy: label smoothing only on the other classes",
    (arena, sizes, logits, targets, options) => {
      const { labelSmoothing, vocabSize } = sizes;
      const less = { ...sizes, labelSmoothing: (labelSmoothing * vocabSize) / Math.max(1, vocabSize - 1) };
      return crossEntropyWithGradient(arena, less, logits, targets, options);
    },
  ),
  loss(
    "ignoreIndex is always -100",
    () => undefined,
    () => -100,
  ),
  loss("ignored targets count in the mean", (data) => {
    const factor = counted(data) / data.rows;
    data.loss[0] = (data.loss[0] ?? NaN) * factor;
    data.gradient.forEach((g, i) => (data.gradient[i] = g * factor));
  }),
  loss("the sum in place of the mean", (data) => {
    const count = counted(data);
    data.loss[0] = (data.loss[0] ?? NaN) * count;
    data.gradient.forEach((g, i) => (data.gradient[i] = g * count));
  }),
  loss("ignored rows are multiplied by zero", ({ gradient, logits }) => {
    gradient.forEach((g, i) => (gradient[i] = g + 0 * (logits[i] ?? NaN)));
  }),
  loss("nothing counted is NaN", (data) => {
    if (counted(data) === 0) data.loss[0] = 0 / 0;
  }),
  loss("exp of large logits overflows", ({ loss, logits }) => {
    if (Array.from(logits).some((logit) => logit > 88 && logit < Infinity)) loss[0] = Infinity;
  }),
  loss("the largest logit is added back before the target is taken off", ({ loss, logits }) => {
    if (Array.from(logits).some((logit) => logit > 1e8 && logit < Infinity)) loss[0] = 0;
  }),
  loss("a target outside of the vocabulary has a plausible gradient", ({ gradient, width, targets }) => {
    gradient.forEach((_, i) => {
      if ((targets[Math.floor(i / width)] ?? NaN) >= width) gradient[i] = 0;
    });
  }),
  loss("the target is not taken off the gradient", (data) => {
    const { gradient, width, targets, ignoreIndex } = data;
    const count = counted(data);
    for (let r = 0; r < data.rows; r++) {
      const target = targets[r] ?? NaN;
      if (target === ignoreIndex || target < 0 || target >= width) continue;
      gradient[r * width + target] = (gradient[r * width + target] ?? NaN) + 1 / count;
    }
  }),
];
