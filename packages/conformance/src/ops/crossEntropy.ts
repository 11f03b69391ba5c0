import type { TrainingOps } from "@mamba/kernel";
import { type Cost, defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, defineTrainingOp, f32, i32 } from "../opSuite.ts";
import { Random } from "../random.ts";

type CrossEntropyOps = Pick<TrainingOps, "crossEntropy" | "crossEntropyWithGradient">;

/** The options of a loss as arrays. */
interface LossOptions {
  ignoreIndex?: number | undefined;
  labelSmoothing?: number | undefined;
  classWeights?: Values | undefined;
}

/**
 * The mean of -log softmax(logits)[target] over the rows of logits [M, V] whose target is not `ignoreIndex`, with smoothed
 * labels and class weights; NaN when such a target is outside of [0, V).
 */
function reference(
  rows: number,
  vocabSize: number,
  logits: Values,
  targets: Values,
  options: LossOptions = {},
): Float64Array {
  return gradientReference(rows, vocabSize, logits, targets, options).loss;
}

/**
 * `loss` [1] and its gradient [M, V]. Row i of weight w[y_i] has the target distribution t[c] = (1 - e) w[y_i] (c = y_i) + e w[c] / V:
 * its loss is -sum_c t[c] logp[c] and its gradient p[c] sum(t) - t[c], both divided by the sum of w[y_i]. 0 where the
 * target is ignored, NaN where it is outside of [0, V).
 */
function gradientReference(
  rows: number,
  vocabSize: number,
  logits: Values,
  targets: Values,
  { ignoreIndex = -100, labelSmoothing = 0, classWeights }: LossOptions = {},
): { loss: Float64Array; dLogits: Float64Array } {
  const dLogits = new Float64Array(rows * vocabSize);
  const weightOf = (c: number) => classWeights?.[c] ?? 1;
  let total = 0;
  for (let r = 0; r < rows; r++) if (targets[r] !== ignoreIndex) total += weightOf(targets[r]!);
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    const target = targets[r]!;
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= vocabSize) {
      loss = NaN;
      dLogits.fill(NaN, r * vocabSize, (r + 1) * vocabSize);
      continue;
    }
    if (total === 0) continue;
    const row = Float64Array.from({ length: vocabSize }, (_, v) => logits[r * vocabSize + v]!);
    const largest = Math.max(...row);
    const sum = row.reduce((before, logit) => before + Math.exp(logit - largest), 0);
    const wanted = row.map((_, v) => (labelSmoothing * weightOf(v)) / vocabSize);
    wanted[target]! += (1 - labelSmoothing) * weightOf(target);
    const all = wanted.reduce((before, w) => before + w, 0);
    for (let v = 0; v < vocabSize; v++) {
      if (wanted[v] !== 0) loss += (wanted[v]! * (Math.log(sum) + (largest - row[v]!))) / total;
      dLogits[r * vocabSize + v] = ((Math.exp(row[v]! - largest) / sum) * all - wanted[v]!) / total;
    }
  }
  return { loss: Float64Array.of(loss), dLogits };
}

/** Per logit: the largest, then exp of the difference and its sum; one more for the gradient. */
function costOf(op: keyof CrossEntropyOps, M: number, V: number, weighted: boolean): Cost {
  const gradient = op === "crossEntropyWithGradient";
  const written = 1 + (gradient ? M * V : 0);
  return {
    flops: (gradient ? 5 : 4) * M * V,
    bytes: bytesOf(M * V + written + (weighted ? V : 0)) + bytesOf(M, "i32"),
  };
}

interface Options {
  note?: string;
  view?: boolean;
  ignoreIndex?: number;
  /** Rows whose target becomes the ignored one. */
  ignored?: readonly number[];
  scale?: number;
  labelSmoothing?: number;
  weighted?: boolean;
  edit?: (logits: Float32Array, targets: number[], weights: Float32Array) => void;
}

function build(op: keyof CrossEntropyOps, M: number, V: number, options: Options): OpCase {
  const { note = "", view = false, ignoreIndex, ignored = [], scale = 2, edit } = options;
  const { labelSmoothing, weighted = false } = options;
  const flags = `${labelSmoothing === undefined ? "" : ` smoothing ${labelSmoothing}`}${weighted ? " +weights" : ""}`;
  const label = `M${M} V${V}${ignoreIndex === undefined ? "" : ` ignoreIndex ${ignoreIndex}`}${flags}${note}`;
  return defineTrainingCase({
    op,
    label,
    sizes: { M, V },
    cost: costOf(op, M, V, weighted),
    inputs: () => {
      const random = new Random(`crossEntropy ${label}`);
      const logits = random.normals(M * V, scale);
      const targets = Array.from({ length: M }, () => random.integer(0, V - 1));
      for (const row of ignored) targets[row] = ignoreIndex ?? -100;
      const weights = random.uniforms(V, 0.1, 3);
      edit?.(logits, targets, weights);
      const input = floats(logits, [M, V]);
      return {
        logits: view ? asView(input) : input,
        targets: ints(targets, [M]),
        classWeights: weighted ? floats(weights, [V]) : undefined,
      };
    },
    run: (kernel, { logits, targets, classWeights }) => ({
      ...kernel[op](logits, targets, { ignoreIndex, labelSmoothing, classWeights }),
    }),
    reference: ({ logits, targets, classWeights }) => {
      const settings = { ignoreIndex, labelSmoothing, classWeights };
      const { loss, dLogits } = gradientReference(M, V, logits, targets, settings);
      const out = { loss: result([1], loss) };
      return op === "crossEntropy" ? out : { ...out, dLogits: result([M, V], dLogits) };
    },
  });
}

const settings: [M: number, V: number, options: Options][] = [
  ...[2, 3, 5, 17, 33, 129, 513].map((V, i): [number, number, Options] => [(i % 3) + 1, V, {}]),
  [1, 2049, {}],
  [3, 1, { note: ", one token: nothing to learn" }],
  [9, 50, {}],
  [130, 7, {}],
  [513, 3, {}],
  [2, 5000, { note: ", a wide vocabulary" }],
  [40, 1003, { ignored: [3, 39], note: ", work for several threads" }],
  [3, 20_001, { note: ", rows as long as a thread's work" }],
  [5, 33, { view: true, note: " of a view" }],
  [7, 20, { ignored: [0, 3, 6], note: ", three rows ignored" }],
  [6, 20, { ignoreIndex: 0, ignored: [1, 4], note: ", two rows ignored" }],
  [5, 9, { ignoreIndex: -1, ignored: [2], note: ", one row ignored" }],
  [4, 9, { ignored: [0, 1, 2, 3], note: ", all ignored" }],
  [
    4,
    9,
    {
      ignored: [1],
      note: ", NaN and infinity in the ignored row",
      edit: (logits) => {
        logits.fill(NaN, 9, 14);
        logits.fill(Infinity, 14, 18);
      },
    },
  ],
  [
    4,
    9,
    {
      note: ", NaN in one row",
      edit: (logits) => {
        logits[2 * 9 + 4] = NaN;
      },
    },
  ],
  [4, 33, { scale: 1e4, note: ", extreme logits" }],
  [3, 17, { scale: 1e-6, note: ", logits that are nearly equal" }],
  [
    4,
    12,
    {
      note: ", all logits 1e30 or -1e30",
      edit: (logits, targets) => {
        logits.fill(1e30, 0, 24).fill(-1e30, 24);
        targets.splice(0, 4, 0, 11, 5, 6);
      },
    },
  ],
  [
    3,
    10,
    {
      note: ", -infinity beside the target",
      edit: (logits, targets) => {
        targets.splice(0, 3, 0, 4, 9);
        for (const i of [1, 2, 9, 10, 13, 15, 20]) logits[i] = -Infinity;
      },
    },
  ],
  [
    2,
    5,
    {
      note: ", -infinity at the target",
      edit: (logits, targets) => {
        targets.splice(0, 2, 3, 1);
        logits[3] = -Infinity;
      },
    },
  ],
  [
    6,
    7,
    {
      ignored: [0],
      note: ", targets outside of the vocabulary",
      edit: (_, targets) => {
        targets.splice(1, 4, 7, -1, 2 ** 31 - 1, -(2 ** 31));
      },
    },
  ],
  [9, 33, { labelSmoothing: 0.1, ignored: [4], view: true, note: " of a view, one row ignored" }],
  [7, 20, { weighted: true, ignored: [0, 6], note: ", two rows ignored" }],
  [130, 7, { labelSmoothing: 0.3, weighted: true }],
  [3, 2049, { labelSmoothing: 0.05, weighted: true, note: ", long rows" }],
  [
    4,
    5,
    {
      weighted: true,
      note: ", all ignored by their weights",
      edit: (_, targets, weights) => {
        targets.fill(2);
        weights[2] = 0;
      },
    },
  ],
  [
    3,
    4,
    {
      ...{ labelSmoothing: 0.2, weighted: true, note: ", targets outside of the vocabulary" },
      edit: (_, targets) => {
        targets.splice(1, 2, 4, -1);
      },
    },
  ],
];

const minimalArgs = { logits: f32(B, 7), targets: i32(B), classWeights: f32(7) };

export const crossEntropy = defineTrainingOp("crossEntropy", {
  reference,
  cases: settings.map(([M, V, options]) => build("crossEntropy", M, V, options)),
  minimal: {
    args: minimalArgs,
    dense: ["targets", "classWeights"],
    call: (k, { logits, targets, classWeights }) => [k.crossEntropy(logits, targets, { classWeights }).loss],
  },
  outOfRange: (kernel, scope) => {
    const logits = scope.use(kernel.zeros([2, 5], "f32"));
    const targets = scope.use(kernel.zeros([2], "i32"));
    return [
      ["ignoreIndex 0.5", () => kernel.crossEntropy(logits, targets, { ignoreIndex: 0.5 })],
      ["labelSmoothing 1", () => kernel.crossEntropy(logits, targets, { labelSmoothing: 1 })],
      ["labelSmoothing negative", () => kernel.crossEntropy(logits, targets, { labelSmoothing: -0.1 })],
    ];
  },
});

export const crossEntropyWithGradient = defineTrainingOp("crossEntropyWithGradient", {
  reference: gradientReference,
  cases: settings.map(([M, V, options]) => build("crossEntropyWithGradient", M, V, options)),
  minimal: {
    args: minimalArgs,
    dense: ["targets", "classWeights"],
    call: (k, { logits, targets, classWeights }) => {
      const { loss, dLogits } = k.crossEntropyWithGradient(logits, targets, { classWeights });
      return [loss, dLogits];
    },
  },
  batched: { arguments: ["logits"], results: ["dLogits"] },
  outOfRange: (kernel, scope) => {
    const logits = scope.use(kernel.zeros([2, 5], "f32"));
    const targets = scope.use(kernel.zeros([2], "i32"));
    return [
      ["ignoreIndex NaN", () => kernel.crossEntropyWithGradient(logits, targets, { ignoreIndex: NaN })],
      ["labelSmoothing 1", () => kernel.crossEntropyWithGradient(logits, targets, { labelSmoothing: 1 })],
    ];
  },
});
