import { ignoreIndex } from "../dataSource.ts";
import type { Sums } from "./arrayTrainable.ts";

/** How well one class is recognised. */
export interface ClassScore {
  /** Fraction of the predictions of this class that are right; 0 when it is never predicted. */
  readonly precision: number;
  /** Fraction of the targets of this class that are recognised; 0 when there are none. */
  readonly recall: number;
  /** 2 · precision · recall / (precision + recall), 0 when both are 0. */
  readonly f1: number;
  /** Number of targets of this class. */
  readonly targets: number;
}

/** Metrics of a classifier. */
export interface ClassifierMetrics {
  /** Fraction of the targets whose class is the most probable one. */
  readonly accuracy: number;
  /** Mean of the F1 of all classes that occur among the targets or the predictions. */
  readonly macroF1: number;
  /** For each class. */
  readonly classes: readonly ClassScore[];
}

/** Sums of a classifier, with the loss of `crossEntropy`. */
export class ClassSums implements Sums<Int32Array, ClassifierMetrics> {
  loss = 0;
  weight = 0;
  targets = 0;
  readonly #classes: number;
  readonly #smoothing: number;
  readonly #weights: Float32Array | undefined;
  readonly #right: Float64Array;
  readonly #predicted: Float64Array;
  readonly #actual: Float64Array;

  constructor(classes: number, labelSmoothing: number, classWeights: Float32Array | undefined) {
    this.#classes = classes;
    this.#smoothing = labelSmoothing;
    this.#weights = classWeights;
    this.#right = new Float64Array(classes);
    this.#predicted = new Float64Array(classes);
    this.#actual = new Float64Array(classes);
  }

  add(y: Float32Array, targets: Int32Array): void {
    const classes = this.#classes;
    targets.forEach((target, i) => {
      if (target === ignoreIndex) return;
      const logits = y.subarray(i * classes, (i + 1) * classes);
      this.#addLoss(logits, target);
      const best = argmax(logits);
      this.targets++;
      increment(this.#actual, target);
      increment(this.#predicted, best);
      if (best === target) increment(this.#right, target);
    });
  }

  /** `(1 - e) w[y] nll + e / V sum_c w[c] (-logp[c])` */
  #addLoss(logits: Float32Array, target: number): void {
    const max = logits.reduce((most, value) => Math.max(most, value), -Infinity);
    const log = max + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - max), 0));
    const weightOf = (c: number) => (this.#weights ? (this.#weights[c] ?? 0) : 1);
    const e = this.#smoothing;
    const own = weightOf(target);
    this.loss += (1 - e) * own * (log - (logits[target] ?? NaN));
    if (e > 0) {
      let sum = 0;
      logits.forEach((value, c) => (sum += weightOf(c) * (log - value)));
      this.loss += (e / this.#classes) * sum;
    }
    this.weight += own;
  }

  metrics(): ClassifierMetrics {
    const classes = Array.from(this.#actual, (targets, c): ClassScore => {
      const right = this.#right[c] ?? 0;
      const precision = ratio(right, this.#predicted[c] ?? 0);
      const recall = ratio(right, targets);
      return { precision, recall, f1: ratio(2 * precision * recall, precision + recall), targets };
    });
    const occurring = classes.filter(({ targets }, c) => targets > 0 || (this.#predicted[c] ?? 0) > 0);
    return {
      accuracy: this.#right.reduce((sum, n) => sum + n, 0) / this.targets,
      macroF1: occurring.reduce((sum, { f1 }) => sum + f1, 0) / occurring.length,
      classes,
    };
  }
}

function increment(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

/** The index of the largest value, the first of equal ones. */
function argmax(values: Float32Array): number {
  let best = 0;
  values.forEach((value, i) => {
    if (value > (values[best] ?? -Infinity)) best = i;
  });
  return best;
}
