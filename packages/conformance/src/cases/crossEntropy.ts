import type { TrainingOps } from "@mamba/kernel";
import { defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { crossEntropyWithGradient } from "../reference/index.ts";
import { result, windowed } from "./shared.ts";

interface Options {
  note?: string;
  view?: boolean;
  ignoreIndex?: number;
  /** Rows whose target becomes the ignored one. */
  ignored?: readonly number[];
  scale?: number;
  edit?: (logits: Float32Array, targets: number[]) => void;
}

function build(
  op: Extract<keyof TrainingOps, `crossEntropy${string}`>,
  M: number,
  V: number,
  options: Options,
): OpCase {
  const { note = "", view = false, ignoreIndex, ignored = [], scale = 2, edit } = options;
  const label = `M${M} V${V}${ignoreIndex === undefined ? "" : ` ignoreIndex ${ignoreIndex}`}${note}`;
  return defineTrainingCase({
    op,
    label,
    sizes: { M, V },
    inputs: () => {
      const random = new Random(`crossEntropy ${label}`);
      const logits = random.normals(M * V, scale);
      const targets = Array.from({ length: M }, () => random.integer(0, V - 1));
      for (const row of ignored) targets[row] = ignoreIndex ?? -100;
      edit?.(logits, targets);
      const input = floats(logits, [M, V]);
      return { logits: view ? windowed(input) : input, targets: ints(targets, [M]) };
    },
    run: (kernel, t) => ({ ...kernel[op](t.logits, t.targets, ignoreIndex) }),
    reference: (v) => {
      const { loss, dLogits } = crossEntropyWithGradient(M, V, v.logits, v.targets, ignoreIndex);
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

export const crossEntropyCases = settings.map(([M, V, options]) => build("crossEntropy", M, V, options));
export const crossEntropyWithGradientCases = settings.map(([M, V, options]) =>
  build("crossEntropyWithGradient", M, V, options),
);
