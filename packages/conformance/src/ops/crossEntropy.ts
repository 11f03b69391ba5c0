import type { TrainingOps } from "@mamba/kernel";
import { type Cost, defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, defineTrainingOp, f32, i32 } from "../opSuite.ts";
import { Random } from "../random.ts";

type CrossEntropyOps = Pick<TrainingOps, "crossEntropy" | "crossEntropyWithGradient">;

/**
 * The mean of -log softmax(logits)[target] over the rows of logits [M, V] whose target is not `ignoreIndex`; NaN when such
 * a target is outside of [0, V).
 */
function reference(
  rows: number,
  vocabSize: number,
  logits: Values,
  targets: Values,
  ignoreIndex = -100,
): Float64Array {
  return gradientReference(rows, vocabSize, logits, targets, ignoreIndex).loss;
}

/**
 * `loss` [1] and its gradient [M, V], (softmax(logits) - onehot(target)) / count; 0 where the target is ignored, NaN where
 * it is outside of [0, V).
 */
function gradientReference(
  rows: number,
  vocabSize: number,
  logits: Values,
  targets: Values,
  ignoreIndex = -100,
): { loss: Float64Array; dLogits: Float64Array } {
  const dLogits = new Float64Array(rows * vocabSize);
  let count = 0;
  for (let r = 0; r < rows; r++) if (targets[r] !== ignoreIndex) count++;
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    const target = targets[r]!;
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= vocabSize) {
      loss = NaN;
      dLogits.fill(NaN, r * vocabSize, (r + 1) * vocabSize);
      continue;
    }
    let largest = -Infinity;
    for (let v = 0; v < vocabSize; v++) largest = Math.max(largest, logits[r * vocabSize + v]!);
    let sum = 0;
    for (let v = 0; v < vocabSize; v++) sum += Math.exp(logits[r * vocabSize + v]! - largest);
    loss += Math.log(sum) + (largest - logits[r * vocabSize + target]!);
    for (let v = 0; v < vocabSize; v++) {
      const p = Math.exp(logits[r * vocabSize + v]! - largest) / sum;
      dLogits[r * vocabSize + v] = (p - (v === target ? 1 : 0)) / count;
    }
  }
  return { loss: Float64Array.of(count > 0 ? loss / count : 0), dLogits };
}

/** Per logit: the largest, then exp of the difference and its sum; one more for the gradient. */
function costOf(op: keyof CrossEntropyOps, M: number, V: number): Cost {
  const gradient = op === "crossEntropyWithGradient";
  const written = 1 + (gradient ? M * V : 0);
  return { flops: (gradient ? 5 : 4) * M * V, bytes: bytesOf(M * V + written) + bytesOf(M, "i32") };
}

interface Options {
  note?: string;
  view?: boolean;
  ignoreIndex?: number;
  /** Rows whose target becomes the ignored one. */
  ignored?: readonly number[];
  scale?: number;
  edit?: (logits: Float32Array, targets: number[]) => void;
}

function build(op: keyof CrossEntropyOps, M: number, V: number, options: Options): OpCase {
  const { note = "", view = false, ignoreIndex, ignored = [], scale = 2, edit } = options;
  const label = `M${M} V${V}${ignoreIndex === undefined ? "" : ` ignoreIndex ${ignoreIndex}`}${note}`;
  return defineTrainingCase({
    op,
    label,
    sizes: { M, V },
    cost: costOf(op, M, V),
    inputs: () => {
      const random = new Random(`crossEntropy ${label}`);
      const logits = random.normals(M * V, scale);
      const targets = Array.from({ length: M }, () => random.integer(0, V - 1));
      for (const row of ignored) targets[row] = ignoreIndex ?? -100;
      edit?.(logits, targets);
      const input = floats(logits, [M, V]);
      return { logits: view ? asView(input) : input, targets: ints(targets, [M]) };
    },
    run: (kernel, t) => ({ ...kernel[op](t.logits, t.targets, ignoreIndex) }),
    reference: (v) => {
      const { loss, dLogits } = gradientReference(M, V, v.logits, v.targets, ignoreIndex);
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
];

const minimalArgs = { logits: f32(B, 7), targets: i32(B) };

export const crossEntropy = defineTrainingOp("crossEntropy", {
  reference,
  cases: settings.map(([M, V, options]) => build("crossEntropy", M, V, options)),
  minimal: {
    args: minimalArgs,
    dense: ["targets"],
    anyWidth: ["logits"],
    call: (k, t) => [k.crossEntropy(t.logits, t.targets).loss],
  },
  outOfRange: (kernel, scope) => {
    const logits = scope.use(kernel.zeros([2, 5], "f32"));
    const targets = scope.use(kernel.zeros([2], "i32"));
    return [["ignoreIndex 0.5", () => kernel.crossEntropy(logits, targets, 0.5)]];
  },
});

export const crossEntropyWithGradient = defineTrainingOp("crossEntropyWithGradient", {
  reference: gradientReference,
  cases: settings.map(([M, V, options]) => build("crossEntropyWithGradient", M, V, options)),
  minimal: {
    args: minimalArgs,
    dense: ["targets"],
    anyWidth: ["logits"],
    call: (k, t) => {
      const { loss, dLogits } = k.crossEntropyWithGradient(t.logits, t.targets);
      return [loss, dLogits];
    },
  },
  batched: { arguments: ["logits"], results: ["dLogits"] },
  outOfRange: (kernel, scope) => {
    const logits = scope.use(kernel.zeros([2, 5], "f32"));
    const targets = scope.use(kernel.zeros([2], "i32"));
    return [["ignoreIndex NaN", () => kernel.crossEntropyWithGradient(logits, targets, NaN)]];
  },
});
