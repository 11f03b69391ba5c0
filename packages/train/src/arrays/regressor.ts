import type { TrainableModel } from "@mamba/core";
import type { ArrayExample } from "../arrayExample.ts";
import { TrainError } from "../errors.ts";
import { type ArrayTrainable, arrayTrainable } from "./arrayTrainable.ts";
import { nameOf } from "./checkInput.ts";
import { type RegressorMetrics, type RegressionLoss, RegressionSums } from "./regressionSums.ts";
import { type Units, unitsOf } from "./units.ts";

export interface RegressorOptions {
  /**
   * "squaredError" (x - t)²; "huber", which is a line where |x - t| > 1; or the pinball loss of quantiles: the last outputs of the
   * model are then one number for each level, target after target. Default "squaredError".
   */
  readonly loss?: RegressionLoss | undefined;
  /**
   * Undo a normalisation: metrics and predictions are `y * scale + offset`, in the units of the data. The loss stays that of the
   * numbers that the model computes with. One number, or one for each target of a result. Default 1 and 0.
   */
  readonly scale?: number | readonly number[] | undefined;
  readonly offset?: number | readonly number[] | undefined;
  /**
   * Packs short sequences into rows of this many positions, instead of padding each to the longest. No example may be longer. For
   * models of sequences. Default: no packing.
   */
  readonly packTo?: number | undefined;
}

/**
 * A model as a regressor: its outputs are numbers. The target of an example is a Float32Array with T numbers for each result or, when
 * there is only one, a number. T is the number of outputs, or of outputs per level with quantiles. A target that is NaN is missing:
 * it does not count.
 *
 * @throws TrainError `CONFIG` (options)
 */
export function regressor(
  model: TrainableModel,
  { loss = "squaredError", scale = 1, offset = 0, packTo }: RegressorOptions = {},
): ArrayTrainable<RegressorMetrics> {
  const levels = levelsOf(loss, model.outputs);
  const count = levels?.length ?? 1;
  const width = model.outputs / count;
  const units: Units = unitsOf(scale, offset, width);
  return arrayTrainable("regressor", model, packTo, {
    config: { loss: levels ? { levels } : loss },
    width,
    empty: (length) => new Float32Array(length).fill(NaN),
    targetsOf: ({ target }) => (typeof target === "number" ? [target] : target),
    checkTarget: (example, results, where) => {
      checkTarget(example, results * width, where);
    },
    weightOf: (targets) => targets.reduce((sum, target) => (Number.isNaN(target) ? sum : sum + 1), 0),
    loss(ops, y, targets) {
      const shape = [targets.length / width, width];
      const counts = targets.map((target) => (Number.isNaN(target) ? 0 : 1));
      const isComplete = counts.every((own) => own === 1);
      const target = ops.constant(
        isComplete ? targets : targets.map((own) => (Number.isNaN(own) ? 0 : own)),
        shape,
      );
      const weight = isComplete ? undefined : ops.constant(counts, shape);
      if (levels) return ops.quantileLoss(ops.reshape(y, [...shape, count]), target, { levels, weight });
      return loss === "huber"
        ? ops.huber(y, target, { weight })
        : ops.meanSquaredError(y, target, { weight });
    },
    sums: () => new RegressionSums(loss, width, units),
    toPredictions: (results) => {
      for (let i = 0; i < results.length; i++) {
        results[i] = units.restore(results[i] ?? NaN, Math.floor(i / count) % width);
      }
    },
  });
}

/** @throws TrainError `CONFIG` */
function levelsOf(loss: RegressionLoss, outputs: number): readonly number[] | undefined {
  if (loss === "squaredError" || loss === "huber") return undefined;
  const refuse = (rule: string, got: string): never => {
    throw new TrainError("CONFIG", `regressor: ${rule}, got ${got}`);
  };
  const kinds = '"squaredError", "huber" or { levels }';
  if (typeof loss !== "object" || !Array.isArray(loss.levels))
    refuse(`loss must be ${kinds}`, JSON.stringify(loss));
  const { levels } = loss;
  const isRising = levels.every(
    (level, i) => level > 0 && level < 1 && (i === 0 || level > (levels[i - 1] ?? 0)),
  );
  if (levels.length === 0 || !isRising) {
    refuse("levels must be rising numbers between 0 and 1", `[${levels.join(", ")}]`);
  }
  if (outputs % levels.length !== 0) {
    refuse(
      `a model with ${levels.length} levels must have a multiple of that number of outputs`,
      String(outputs),
    );
  }
  return [...levels];
}

function checkTarget({ target }: ArrayExample, count: number, where: string): void {
  const expected = count === 1 ? "a number or a Float32Array of one" : `a Float32Array of ${count} numbers`;
  const refuse = (rule: string, got: string): never => {
    throw new TrainError("DATA", `${where}: the target must be ${rule}, got ${got}`);
  };
  if (typeof target !== "number" && !(target instanceof Float32Array)) {
    refuse(expected, nameOf(target));
    return;
  }
  const values = typeof target === "number" ? [target] : target;
  if (values.length !== count) refuse(expected, `${values.length}`);
  const at = values.findIndex((value) => value === Infinity || value === -Infinity);
  if (at !== -1) refuse("finite numbers, or NaN where one is missing", `${String(values[at])} at ${at}`);
}
