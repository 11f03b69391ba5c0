import type { Sums } from "./arrayTrainable.ts";
import type { Units } from "./units.ts";

/** The loss of a regressor: see `RegressorOptions.loss`. */
export type RegressionLoss = "squaredError" | "huber" | { readonly levels: readonly number[] };

/** The errors of one target of a result, such as one column at one day of a forecast. */
export interface TargetError {
  /** Mean absolute error. NaN when all targets are missing. */
  readonly mae: number;
  /** Root of the mean squared error. NaN when all targets are missing. */
  readonly rmse: number;
}

/** The forecasts of one quantile. */
export interface QuantileScore {
  readonly level: number;
  /** Fraction of the targets that are at most the prediction: near `level` when it is calibrated. */
  readonly covered: number;
}

/**
 * Metrics of a regressor, in the units of the data. With quantiles, the errors are those of the level that is nearest to 0.5.
 */
export interface RegressorMetrics {
  /** Mean absolute error. */
  readonly mae: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** For each of the targets of a result. */
  readonly perTarget: readonly TargetError[];
  /** Mean pinball loss over targets and levels; with quantiles only. */
  readonly pinball?: number;
  /** For each level; with quantiles only. */
  readonly quantiles?: readonly QuantileScore[];
}

/** Sums of a regressor, with the loss of the training in `loss`. */
export class RegressionSums implements Sums<Float32Array, RegressorMetrics> {
  loss = 0;
  targets = 0;
  readonly #loss: RegressionLoss;
  readonly #width: number;
  readonly #units: Units;
  readonly #levels: readonly number[] | undefined;
  /** The place of the median among the levels. */
  readonly #middle: number;
  readonly #absolute: Float64Array;
  readonly #squared: Float64Array;
  readonly #counts: Float64Array;
  readonly #covered: Float64Array;
  #pinball = 0;

  constructor(loss: RegressionLoss, width: number, units: Units) {
    this.#loss = loss;
    this.#width = width;
    this.#units = units;
    this.#levels = typeof loss === "object" ? loss.levels : undefined;
    const distances = (this.#levels ?? [0.5]).map((level) => Math.abs(level - 0.5));
    this.#middle = distances.indexOf(Math.min(...distances));
    this.#absolute = new Float64Array(width);
    this.#squared = new Float64Array(width);
    this.#counts = new Float64Array(width);
    this.#covered = new Float64Array(this.#levels?.length ?? 0);
  }

  get weight(): number {
    return this.targets;
  }

  add(y: Float32Array, targets: Float32Array): void {
    const count = this.#levels?.length ?? 1;
    targets.forEach((target, i) => {
      if (Number.isNaN(target)) return;
      const t = i % this.#width;
      const found = y.subarray(i * count, (i + 1) * count);
      this.targets++;
      this.loss += this.#lossOf(found, target, t);
      const error = this.#units.scaleOf(t) * ((found[this.#middle] ?? NaN) - target);
      addTo(this.#absolute, t, Math.abs(error));
      addTo(this.#squared, t, error * error);
      addTo(this.#counts, t, 1);
    });
  }

  #lossOf(found: Float32Array, target: number, t: number): number {
    const difference = (found[0] ?? NaN) - target;
    if (this.#loss === "squaredError") return difference * difference;
    if (this.#loss === "huber") {
      const size = Math.abs(difference);
      return size <= 1 ? (size * size) / 2 : size - 0.5;
    }
    const { levels } = this.#loss;
    let sum = 0;
    levels.forEach((level, q) => {
      const above = target - (found[q] ?? NaN);
      sum += Math.max(level * above, (level - 1) * above);
      if (above <= 0) addTo(this.#covered, q, 1);
    });
    this.#pinball += (sum / levels.length) * this.#units.scaleOf(t);
    return sum / levels.length;
  }

  metrics(): RegressorMetrics {
    const mean = (sums: Float64Array) => sums.reduce((total, own) => total + own, 0) / this.targets;
    const perTarget = Array.from(this.#counts, (count, t) => ({
      mae: (this.#absolute[t] ?? NaN) / count,
      rmse: Math.sqrt((this.#squared[t] ?? NaN) / count),
    }));
    const errors = { mae: mean(this.#absolute), rmse: Math.sqrt(mean(this.#squared)), perTarget };
    if (this.#levels === undefined) return errors;
    const quantiles = this.#levels.map((level, q) => ({
      level,
      covered: (this.#covered[q] ?? 0) / this.targets,
    }));
    return { ...errors, pinball: this.#pinball / this.targets, quantiles };
  }
}

function addTo(sums: Float64Array, index: number, value: number): void {
  sums[index] = (sums[index] ?? 0) + value;
}
