import type { Kernel, SampleRow, Scope } from "@mamba/kernel";
import type { OpCase } from "../case.ts";
import type { SampleFilters } from "../cases/distribution.ts";
import { cycled } from "../cases/inputs.ts";
import { callSample, type Row, sampleCase as build } from "../cases/sampleCase.ts";
import { sampleReference } from "../cases/sampling.ts";
import { B, defineOp, f32, i32 } from "../opSuite.ts";

const largest = 1 - 2 ** -53;
const greedy: Row = { temperature: 0 };
const plain: Row = { temperature: 1 };

/** The filters of the distribution laws. */
export const distributionFilters: readonly SampleFilters[] = [
  { temperature: 1 },
  { temperature: 0.5 },
  { temperature: 1, topK: 3 },
  { temperature: 2, topP: 0.7 },
  { temperature: 1, minP: 0.15 },
];

/** Every option, and rows without it, next to each other. */
const everyKind: readonly [Row, ...Row[]] = [
  { temperature: 0.8, topK: 5 },
  greedy,
  { temperature: 1, topP: 0.7, repetitionPenalty: 1.3 },
  plain,
  { temperature: 1.4, minP: 0.1 },
  { temperature: 0, repetitionPenalty: 2 },
  { temperature: 1, topK: 20, topP: 0.9, minP: 0.05, repetitionPenalty: 0.7 },
];

/** Sets logit v of each of `B` rows of `V` logits. */
const each = (B: number, V: number, v: (b: number) => number, value: number) => (logits: Float32Array) => {
  for (let b = 0; b < B; b++) logits[b * V + v(b)] = value;
};

const filterCases: OpCase[] = [
  ...[1, 3, 5, 17, 33, 129, 513].map((V, i) => build((i % 3) + 1, V, [plain])),
  build(2, 2049, [plain], { deviation: 4 }),
  build(1, 50_280, [plain], { deviation: 5, note: ", a real vocabulary" }),
  build(1, 50_280, [{ temperature: 0.8, topK: 40, topP: 0.9 }], { note: ", a real vocabulary" }),
  build(9, 33, [{ temperature: 0.1 }]),
  build(9, 33, [{ temperature: 2.5 }]),
  build(5, 33, [plain], { view: true }),
  build(5, 33, [{ temperature: 1, topK: 1 }]),
  build(5, 33, [{ temperature: 0.7, topK: 5 }]),
  build(3, 33, [{ temperature: 1, topK: 100 }], { note: ", more than there are" }),
  build(4, 33, [{ temperature: 1, topP: 0.5 }]),
  build(4, 33, [{ temperature: 1.5, topP: 0.9 }]),
  build(4, 33, [{ temperature: 1, topP: 1 }]),
  build(3, 33, [{ temperature: 1, topP: 1e-6 }], { note: ", only the most probable" }),
  build(4, 33, [{ temperature: 1, minP: 0.2 }]),
  build(4, 33, [{ temperature: 1, minP: 0 }]),
  build(4, 33, [{ temperature: 1, minP: 1 }]),
  build(9, 65, [{ temperature: 1, topK: 8, topP: 0.8 }], { note: ", topP of what topK left" }),
  build(9, 65, [{ temperature: 1.3, topK: 20, topP: 0.9, minP: 0.1 }]),
  build(9, 42, [{ temperature: 1, topP: 0.95, minP: 0.1 }], {
    note: ", minP leaving less than topP",
    edit: (logits) => {
      logits.forEach((_, i) => (logits[i] = [10.75, 10.5][i % 42] ?? 7));
    },
  }),
  build(9, 12, [{ temperature: 1, topK: 3 }], {
    note: ", ties at the k-th",
    edit: (logits) => {
      logits.forEach((_, i) => (logits[i] = cycled([3, 1, 2, 2, 2, 0], i)));
    },
  }),
  build(9, 12, [{ temperature: 1, topP: 0.5 }], {
    note: ", ties at the last of the nucleus",
    edit: (logits) => {
      logits.forEach((_, i) => (logits[i] = cycled([1, 2, 0, 1], i)));
    },
  }),
  build(7, 9, [{ temperature: 1, minP: 1 }], {
    note: ", ties of the largest",
    edit: (logits) => {
      for (let b = 0; b < 7; b++) logits[b * 9 + 2] = logits[b * 9 + 6] = 7;
    },
  }),
  build(5, 17, [plain], {
    note: ", one finite logit",
    edit: (logits) => {
      logits.fill(-Infinity);
      for (let b = 0; b < 5; b++) logits[b * 17 + 4 * b] = -3;
    },
  }),
  build(3, 17, [{ temperature: 0.5 }], {
    note: ", large logits",
    edit: (logits) => {
      logits.forEach((logit, i) => (logits[i] = logit + 1e4));
    },
  }),
  build(
    4,
    17,
    [
      { temperature: 1, topK: 4, uniform: 0 },
      { temperature: 1, topK: 4, uniform: largest },
    ],
    {
      note: ", uniforms 0 and just below 1",
      // The last id kept is then not the last there is.
      edit: (logits) => {
        for (let b = 0; b < 4; b++) logits.fill(-10, b * 17 + 14, b * 17 + 17);
      },
    },
  ),
];

const greedyCases: OpCase[] = [
  ...[1, 31, 33, 1001].map((V, i) => build((i % 3) + 1, V, [greedy])),
  build(2, 50_280, [greedy], { note: ", a real vocabulary" }),
  build(4, 33, [{ temperature: 0, topK: 3, topP: 0.5, minP: 0.9, uniform: 0.999 }], {
    note: ", ties: the lowest id, whatever the filters",
    edit: (logits) => {
      for (const i of [32, 7, 33 + 21, 33 + 20, 66 + 31, 66 + 32, 99, 131]) logits[i] = 9;
    },
  }),
  build(3, 40, [greedy], { view: true, logProbs: 2 }),
];

const adjustmentCases: OpCase[] = [
  ...[1, 31, 33, 1001].map((V, i) =>
    build(7, V, everyKind, { seen: cycled([1, 5, 33], i), add: cycled([3, 1, 40], i), allow: true }),
  ),
  build(7, 31, everyKind),
  build(7, 1025, everyKind, { view: true, seen: 9 }),
  build(7, 64, everyKind, { add: 5, logProbs: 3 }),
  build(7, 95, everyKind, { allow: true, logProbs: 1 }),
  build(2, 9, [{ temperature: 0, repetitionPenalty: 2 }], {
    note: ", an id several times counts once",
    edit: (logits) => {
      logits.set([1, 8, 0, 5, 1, 1, 1, 1, 0], 0);
      logits.set([-5, -5, -5, -1, -3, -5, -5, -5, -5], 9);
    },
    seen: [1, 1, 1, 2, 3, 3, 3, 2],
  }),
  build(2, 9, [{ temperature: 0, repetitionPenalty: 3 }], {
    note: ", ids outside are padding",
    edit: each(2, 9, () => 4, 7),
    seen: [-1, 9, 2 ** 31 - 1, -(2 ** 31), 8, -1, -2, 32, 8, 0],
    add: { ids: [-1, 9, 2 ** 31 - 1, 10, -(2 ** 31), 17], values: [50, NaN, Infinity, 50, 50, NaN] },
  }),
  build(2, 33, [greedy], {
    note: ", values of an id several times add up",
    edit: (logits) => {
      logits.fill(0);
      logits[5] = logits[33] = 1;
    },
    add: {
      ids: [32, 7, 32, 32, 7, 2, 32, 2, 2, 32],
      values: [0.5, 1.4, 0.5, 0.5, -1, 0.5, 0.4, 0.5, 0.5, 0.4],
    },
  }),
  build(3, 33, [greedy], {
    note: ", penalty, then addition",
    edit: each(3, 33, (b) => 3 * b, 12),
    seen: [0, 3, 6],
    add: { ids: [0, 3, 6], values: [0.25, 0.25, -0.25] },
  }),
  build(1, 6, [{ temperature: 1, repetitionPenalty: 2 }], {
    note: ", zeros and -infinity",
    edit: (logits) => {
      logits.set([0, -0, -Infinity, 1, -1, -Infinity]);
    },
    seen: [0, 1, 2, 3, 4, 5],
    add: { ids: [3, 0], values: [-Infinity, 0] },
  }),
  build(3, 65, [plain, greedy], {
    note: ", the first and the last id of each word",
    edit: (logits) => {
      for (let b = 0; b < 3; b++) logits.fill(20, b * 65 + 1, b * 65 + 31);
    },
    allow: [-(2 ** 31) + 1, -(2 ** 31) + 1, 1, 0, 0, -1, -(2 ** 31), 0, -2],
  }),
];

const nothingCases: OpCase[] = [
  build(7, 33, everyKind, {
    note: ", nothing can be chosen from a row with NaN",
    edit: each(6, 33, (b) => 6 * b, NaN),
    logProbs: 2,
  }),
  build(7, 33, everyKind, {
    note: ", nothing can be chosen from a row with +infinity",
    edit: each(6, 33, (b) => 32 - 6 * b, Infinity),
    logProbs: 2,
  }),
  build(7, 17, everyKind, {
    note: ", nothing can be chosen where all is -infinity",
    edit: (logits) => logits.fill(-Infinity, 0, 6 * 17),
    logProbs: 1,
  }),
  build(3, 33, [plain, greedy], {
    note: ", nothing can be chosen from a row with NaN that is not allowed",
    edit: each(2, 33, () => 7, NaN),
    allow: [1, 1, 1, 1, 1, 1],
    logProbs: 0,
  }),
  build(4, 33, [plain, greedy], {
    note: ", nothing is allowed",
    allow: [0, 0, 0, -2, 0, 0, 1, 1],
    logProbs: 3,
  }),
  build(6, 9, [plain, greedy], {
    note: ", added values that are not finite",
    edit: each(6, 9, () => 2, -Infinity),
    add: { ids: [0, 1, 8, 2, 2, 3], values: [NaN, Infinity, NaN, Infinity, -Infinity, -Infinity] },
    logProbs: 2,
  }),
];

const logProbCases: OpCase[] = [
  build(3, 1, [plain, greedy], { logProbs: 1 }),
  build(5, 31, [plain, greedy], { logProbs: 0 }),
  build(5, 33, [plain, greedy], { logProbs: 33, note: ", all of them" }),
  build(7, 2049, everyKind, { logProbs: 20, seen: 30, add: 30, allow: true }),
  build(2, 1500, [plain], { logProbs: 1024 }),
  build(1, 50_280, [plain], { logProbs: 5, note: ", a real vocabulary" }),
  build(3, 40, [greedy], {
    note: ", ties: the lowest ids",
    logProbs: 7,
    edit: (logits) => {
      logits.forEach((_, i) => (logits[i] = cycled([0, 1, 0.5, -0, 1, 3, 0.5], i)));
    },
  }),
  build(2, 33, [greedy], {
    note: ", some are -infinity",
    logProbs: 9,
    edit: (logits) => {
      logits.fill(-Infinity, 3, 31);
      logits.fill(-Infinity, 35, 66);
    },
  }),
  build(3, 17, [plain], {
    note: ", nearly certain",
    logProbs: 2,
    edit: (logits) => {
      for (let b = 0; b < 3; b++) logits[b * 17 + 5] = 12 + 4 * b;
    },
  }),
];

export const sample = defineOp("sample", {
  reference: sampleReference,
  cases: [...filterCases, ...greedyCases, ...adjustmentCases, ...nothingCases, ...logProbCases],
  benchmarks: [
    ...[1, 8].flatMap((B) => [
      build(B, 50_280, [greedy]),
      build(B, 50_280, [{ temperature: 1, uniform: 0.5 }]),
    ]),
    build(1, 50_280, [{ temperature: 0.8, topK: 40, topP: 0.95, uniform: 0.5 }]),
    build(8, 50_280, [{ temperature: 0.8, topK: 40, topP: 0.95, repetitionPenalty: 1.1, uniform: 0.5 }], {
      seen: 512,
      add: 512,
      allow: true,
      logProbs: 5,
    }),
  ],
  minimal: {
    args: { logits: f32(B, 7), seen: i32(B, 3), ids: i32(B, 4), values: f32(B, 4), allow: i32(B, 1) },
    dense: ["seen", "ids", "values", "allow"],
    anyWidth: ["logits", "seen"],
    call: (k, { logits, seen, ids, values, allow }) => {
      const rows = [0.25, 0.75].map((uniform) => ({ temperature: 1, uniform }));
      return Object.values(callSample(k, { logits, seen, ids, values, allow }, rows, 2));
    },
  },
  batched: { arguments: ["logits", "values"] },
  outOfRange: (kernel, scope) => outOfRange(kernel, scope),
});

function outOfRange(kernel: Kernel, scope: Scope) {
  const logits = scope.use(kernel.zeros([2, 5], "f32"));
  const draw = (row: Partial<SampleRow>) => () =>
    kernel.sample({ logits, rows: [plain, { ...plain, ...row }].map((each) => ({ uniform: 0.5, ...each })) });
  const rows = [plain, plain].map((row) => ({ ...row, uniform: 0.5 }));
  return [
    ["temperature negative", draw({ temperature: -1 })],
    ["temperature NaN", draw({ temperature: NaN })],
    ["temperature infinite", draw({ temperature: Infinity })],
    ["topK 0", draw({ topK: 0 })],
    ["topK 1.5", draw({ topK: 1.5 })],
    ["topP 0", draw({ topP: 0 })],
    ["topP above 1", draw({ topP: 1.1 })],
    ["minP negative", draw({ minP: -0.1 })],
    ["a uniform of 1", draw({ uniform: 1 })],
    ["a uniform NaN", draw({ uniform: NaN })],
    ["repetition penalty 0", draw({ repetitionPenalty: 0 })],
    ["repetition penalty infinite", draw({ repetitionPenalty: Infinity })],
    ["a row too few", () => kernel.sample({ logits, rows: rows.slice(1) })],
    ["logProbs -1", () => kernel.sample({ logits, rows }, { logProbs: -1 })],
    ["logProbs above the vocabulary", () => kernel.sample({ logits, rows }, { logProbs: 6 })],
    ["logProbs 0.5", () => kernel.sample({ logits, rows }, { logProbs: 0.5 })],
  ] as const;
}
