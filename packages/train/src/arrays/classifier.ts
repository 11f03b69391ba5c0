import type { TrainableModel } from "@mamba/core";
import type { ArrayExample } from "../arrayExample.ts";
import { ignoreIndex } from "../dataSource.ts";
import { TrainError } from "../errors.ts";
import { type ArrayTrainable, arrayTrainable } from "./arrayTrainable.ts";
import { nameOf } from "./checkInput.ts";
import { type ClassifierMetrics, ClassSums } from "./classSums.ts";

export interface ClassifierOptions {
  /** The fraction of the target distribution that is spread evenly over all classes, in [0, 1). Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** A weight for each class, at least 0, such as the inverse of its frequency. Default: 1 for each. */
  readonly classWeights?: readonly number[] | undefined;
  /**
   * Packs short sequences into rows of this many positions, instead of padding each to the longest. No example may be longer. For
   * models of sequences. Default: no packing.
   */
  readonly packTo?: number | undefined;
}

/**
 * A model as a classifier: its outputs are the logits of classes, and the target of an example is a class or, for a model with a
 * result for each position, an Int32Array of one class per position. The loss is the mean cross entropy. Targets that are
 * `ignoreIndex` (-100) do not count; other labels outside of the classes are refused.
 *
 * @throws TrainError `CONFIG` (options)
 */
export function classifier(
  model: TrainableModel,
  { labelSmoothing = 0, classWeights, packTo }: ClassifierOptions = {},
): ArrayTrainable<ClassifierMetrics> {
  const { outputs: classes, perPosition } = model;
  checkOptions(labelSmoothing, classWeights, classes);
  const weights = classWeights && Float32Array.from(classWeights);
  const weightOf = (target: number): number =>
    target === ignoreIndex ? 0 : weights ? (weights[target] ?? 0) : 1;
  return arrayTrainable("classifier", model, packTo, {
    config: { labelSmoothing, ...(classWeights && { classWeights: [...classWeights] }) },
    width: 1,
    empty: (length) => new Int32Array(length).fill(ignoreIndex),
    targetsOf: ({ target }) => (typeof target === "number" ? [target] : target),
    checkTarget: (example, results, where) => {
      checkTarget(example, perPosition ? results : undefined, classes, where);
    },
    weightOf: (targets) => targets.reduce((sum, target) => sum + weightOf(target), 0),
    loss(ops, y, targets) {
      return ops.crossEntropy(y, ops.constant(targets, [targets.length]), {
        labelSmoothing,
        classWeights: weights && ops.constant(weights, [classes]),
      });
    },
    sums: () => new ClassSums(classes, labelSmoothing, weights),
    toPredictions: (results) => {
      softmax(results, classes);
    },
  });
}

function checkOptions(
  labelSmoothing: number,
  classWeights: readonly number[] | undefined,
  classes: number,
): void {
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new TrainError("CONFIG", `classifier: labelSmoothing must be in [0, 1), got ${labelSmoothing}`);
  }
  if (classWeights === undefined) return;
  const bad = classWeights.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (classWeights.length === classes && bad === -1) return;
  const got = bad === -1 ? `${classWeights.length} numbers` : `${String(classWeights[bad])} for class ${bad}`;
  throw new TrainError("CONFIG", `classifier: classWeights must be ${classes} numbers >= 0, got ${got}`);
}

/** @param positions with a class each; undefined when the example has one class */
function checkTarget(
  { target }: ArrayExample,
  positions: number | undefined,
  classes: number,
  where: string,
): void {
  const isClass = (value: number) =>
    value === ignoreIndex || (Number.isInteger(value) && value >= 0 && value < classes);
  const rule = `a class from 0 to ${classes - 1}, or ${ignoreIndex} where none counts`;
  const refuse = (expected: string, got: string): never => {
    throw new TrainError("DATA", `${where}: the target must be ${expected}, got ${got}`);
  };
  if (positions === undefined) {
    if (typeof target !== "number") refuse(rule, nameOf(target));
    else if (!isClass(target)) refuse(rule, String(target));
    return;
  }
  if (!(target instanceof Int32Array)) {
    refuse("an Int32Array of one class per position", nameOf(target));
    return;
  }
  if (target.length !== positions) {
    refuse(`${positions} classes, one for each position`, String(target.length));
  }
  const at = target.findIndex((value) => !isClass(value));
  if (at !== -1) refuse(`${rule}, at each position`, `${String(target[at])} at position ${at}`);
}

/** Logits to probabilities, row by row. */
function softmax(values: Float32Array, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    const row = values.subarray(start, start + width);
    const max = row.reduce((most, value) => Math.max(most, value), -Infinity);
    const exps = Float64Array.from(row, (value) => Math.exp(value - max));
    const sum = exps.reduce((total, value) => total + value, 0);
    row.set(exps.map((value) => value / sum));
  }
}
