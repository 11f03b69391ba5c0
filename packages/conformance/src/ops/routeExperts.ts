import { defineCase, defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { expertIds } from "../cases/expertIds.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { sigmoid, type Values } from "../math.ts";
import { defineOp, defineTrainingOp, f32, i32, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

type Scoring = "softmax" | "topSoftmax" | "sigmoid";

/** The arguments of the op as plain numbers, in the shapes of `RouteArgs`. */
export interface RouteValues {
  logits: Values;
  bias?: Values | undefined;
  perToken: number;
  scoring: Scoring;
  normalize?: boolean;
  scale?: number;
}

const smallest = 1e-20;

/** exp(x - max(x)) / sum(exp(x - max(x))) */
function softmax(x: readonly number[]): number[] {
  const largest = x.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = x.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The scores of a row before the choice, and what the weights of the chosen are made of. */
function scoresOf(row: readonly number[], bias: Values | undefined, scoring: Scoring) {
  if (scoring === "sigmoid") {
    const scores = row.map(sigmoid);
    return { rank: scores.map((score, e) => score + (bias?.[e] ?? 0)), scores };
  }
  // Softmax keeps the order of the logits.
  return { rank: row, scores: scoring === "softmax" ? softmax(row) : row };
}

/** The K experts of each row of logits [R, E] with the highest scores, ties to the lower index, and their weights. */
function reference(
  R: number,
  E: number,
  { logits, bias, perToken: K, scoring, normalize = false, scale = 1 }: RouteValues,
): { experts: Int32Array; weights: Float64Array } {
  const experts = new Int32Array(R * K);
  const weights = new Float64Array(R * K);
  for (let r = 0; r < R; r++) {
    const row = Array.from({ length: E }, (_, e) => logits[r * E + e]!);
    const { rank, scores } = scoresOf(row, bias, scoring);
    // The sort is stable: equal scores keep the order of their indices.
    const chosen = rank
      .map((_, e) => e)
      .sort((a, b) => rank[b]! - rank[a]!)
      .slice(0, K);
    let values = chosen.map((e) => scores[e]!);
    if (scoring === "topSoftmax") values = softmax(values);
    else if (normalize) {
      const sum = values.reduce((a, b) => a + b, smallest);
      values = values.map((value) => value / sum);
    }
    experts.set(chosen, r * K);
    weights.set(
      values.map((value) => value * scale),
      r * K,
    );
  }
  return { experts, weights };
}

/** The gradient of the weights of these experts for the logits. The choice has none. */
function backwardReference(
  R: number,
  E: number,
  dWeights: Values,
  { logits, perToken: K, scoring, normalize = false, scale = 1 }: RouteValues,
  experts: Values,
): Float64Array {
  const dLogits = new Float64Array(R * E);
  for (let r = 0; r < R; r++) {
    const row = Array.from({ length: E }, (_, e) => logits[r * E + e]!);
    const chosen = Array.from({ length: K }, (_, j) => experts[r * K + j]!);
    const { scores } = scoresOf(row, undefined, scoring);
    const values = chosen.map((e) => scores[e]!);
    const grads = chosen.map((_, j) => dWeights[r * K + j]! * scale);
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    if (scoring === "topSoftmax") {
      const weights = softmax(values);
      const mean = dot(grads, weights);
      chosen.forEach((e, j) => (dLogits[r * E + e]! += weights[j]! * (grads[j]! - mean)));
      continue;
    }
    let dValues = grads;
    if (normalize) {
      const sum = values.reduce((a, b) => a + b, smallest);
      const mean = dot(grads, values) / sum;
      dValues = grads.map((grad) => (grad - mean) / sum);
    }
    if (scoring === "sigmoid") {
      chosen.forEach((e, j) => (dLogits[r * E + e]! += dValues[j]! * values[j]! * (1 - values[j]!)));
      continue;
    }
    const mean = dot(dValues, values);
    scores.forEach((score, e) => (dLogits[r * E + e] = -score * mean));
    chosen.forEach((e, j) => (dLogits[r * E + e]! += values[j]! * dValues[j]!));
  }
  return dLogits;
}

/** The number of choices of each expert, divided by the number of all choices. */
function loadsReference(R: number, K: number, E: number, experts: Values): Float64Array {
  const loads = new Float64Array(E);
  for (let p = 0; p < R * K; p++) loads[Math.min(Math.max(experts[p]!, 0), E - 1)]! += 1 / (R * K);
  return loads;
}

type Sizes = readonly [R: number, E: number, K: number];

interface Options {
  bias?: boolean;
  normalize?: boolean;
  scale?: number;
  view?: boolean;
  note?: string;
  edit?: (logits: Float32Array) => void;
}

const labelOf = ([R, E, K]: Sizes, scoring: Scoring, options: Options): string => {
  const { bias, normalize, scale, view, note = "" } = options;
  const scaled = scale === undefined ? "" : ` scale ${scale}`;
  return `R${R} E${E} K${K} ${scoring}${bias ? " +bias" : ""}${normalize ? " +normalize" : ""}${scaled}${view ? " of a view" : ""}${note}`;
};

function callOf([, , K]: Sizes, scoring: Scoring, { normalize, scale }: Options) {
  return {
    perToken: K,
    scoring,
    ...(normalize !== undefined && { normalize }),
    ...(scale !== undefined && { scale }),
  };
}

function build(sizes: Sizes, scoring: Scoring, options: Options = {}): OpCase {
  const [R, E, K] = sizes;
  const label = labelOf(sizes, scoring, options);
  const call = callOf(sizes, scoring, options);
  return defineCase({
    op: "routeExperts",
    label,
    sizes: { R, E, K },
    cost: {
      flops: 4 * R * E,
      bytes: bytesOf(R * E + (options.bias ? E : 0) + R * K) + bytesOf(R * K, "i32"),
    },
    inputs: () => {
      const random = new Random(`routeExperts ${label}`);
      const data = random.normals(R * E, 2);
      options.edit?.(data);
      const logits = floats(data, [R, E]);
      return {
        logits: options.view ? asView(logits) : logits,
        bias: options.bias ? floats(random.normals(E, 0.3), [E]) : undefined,
      };
    },
    run: (kernel, t) => ({ ...kernel.routeExperts({ ...t, ...call }) }),
    reference: (v) => {
      const { experts, weights } = reference(R, E, { ...v, ...call });
      return { experts: result([R, K], experts), weights: result([R, K], weights) };
    },
  });
}

function backwardCase(sizes: Sizes, scoring: Scoring, options: Options = {}): OpCase {
  const [R, E, K] = sizes;
  const label = labelOf(sizes, scoring, options);
  const call = callOf(sizes, scoring, options);
  return defineTrainingCase({
    op: "routeExpertsBackward",
    label,
    sizes: { R, E, K },
    cost: {
      flops: 4 * R * E,
      bytes: bytesOf(2 * R * E + (options.bias ? E : 0) + R * K) + bytesOf(R * K, "i32"),
    },
    inputs: () => {
      const random = new Random(`routeExpertsBackward ${label}`);
      const place = (data: Float32Array, width: number, before: number) => {
        const input = floats(data, [R, width]);
        return options.view ? asView(input, before, 2) : input;
      };
      const dWeights = random.normals(R * K);
      const logits = random.normals(R * E, 2);
      const bias = random.normals(E, 0.3);
      return {
        dWeights: place(dWeights, K, 1),
        logits: place(logits, E, 3),
        bias: options.bias ? floats(bias, [E]) : undefined,
        experts: ints(reference(R, E, { logits, ...(options.bias && { bias }), ...call }).experts, [R, K]),
      };
    },
    run: (kernel, { dWeights, experts, ...args }) => ({
      dLogits: kernel.routeExpertsBackward(dWeights, { ...args, ...call }, experts),
    }),
    reference: ({ dWeights, experts, ...args }) => ({
      dLogits: result([R, E], backwardReference(R, E, dWeights, { ...args, ...call }, experts)),
    }),
  });
}

function loadsCase(R: number, K: number, E: number, note = "", edit?: (experts: Int32Array) => void): OpCase {
  const label = `R${R} K${K} E${E}${note}`;
  return defineTrainingCase({
    op: "expertLoads",
    label,
    sizes: { R, K, E },
    cost: { flops: R * K, bytes: bytesOf(R * K, "i32") + bytesOf(E) },
    inputs: () => {
      const experts = expertIds(new Random(`expertLoads ${label}`), R, K, E, "lopsided");
      edit?.(experts);
      return { experts: ints(experts, [R, K]) };
    },
    run: (kernel, t) => ({ loads: kernel.expertLoads(t.experts, E) }),
    reference: (v) => ({ loads: result([E], loadsReference(R, K, E, v.experts)) }),
  });
}

const scorings = ["softmax", "topSoftmax", "sigmoid"] as const;

/** Every option, few and many experts, one of them and all. */
const optionCases = (make: typeof build): OpCase[] =>
  scorings.flatMap((scoring) => [
    make([1, 1, 1], scoring),
    make([1, 64, 6], scoring),
    make([5, 7, 2], scoring, { normalize: true }),
    make([9, 33, 33], scoring, { scale: 2.5 }),
    make([130, 16, 3], scoring, { normalize: true, scale: 0.25, view: true }),
    make([2, 1024, 64], scoring),
  ]);

const biasCases = (make: typeof build): OpCase[] => [
  make([5, 128, 6], "sigmoid", { bias: true, normalize: true, scale: 2.5 }),
  make([33, 9, 4], "sigmoid", { bias: true }),
];

const routeArgs = { logits: f32(3, 7), bias: f32(7) };
const routeScalars = { perToken: 2, scoring: "sigmoid" } as const;

export const routeExperts = defineOp("routeExperts", {
  reference,
  cases: [
    ...optionCases(build),
    ...biasCases(build),
    ...scorings.flatMap((scoring) => [
      build([3, 9, 4], scoring, {
        note: ", ties: the lower index",
        edit: (logits) => {
          logits.fill(0.5, 0, 9);
          for (const at of [9 + 7, 9 + 2, 9 + 5, 18, 18 + 8]) logits[at] = 3;
        },
      }),
      build([2, 12, 3], scoring, {
        note: ", logits of -infinity and large ones",
        edit: (logits) => {
          logits.fill(-Infinity, 4, 12);
          logits.set([-1e4, 3, -20, 1e30], 0);
        },
      }),
    ]),
  ],
  benchmarks: [build([1, 64, 6], "topSoftmax", { note: ", a token" }), build([512, 64, 6], "topSoftmax")],
  minimal: {
    args: routeArgs,
    call: (k, t) => {
      const { experts, weights } = k.routeExperts({ ...t, ...routeScalars });
      return [experts, weights];
    },
  },
  outOfRange: (k, scope) => {
    const logits = scope.use(k.zeros([2, 5], "f32"));
    const wide = scope.use(k.zeros([2, 70], "f32"));
    const call =
      (change: object, of = logits) =>
      () =>
        k.routeExperts({ logits: of, perToken: 2, scoring: "softmax", ...change });
    return [
      ["no expert of a token", call({ perToken: 0 })],
      ["half an expert", call({ perToken: 1.5 })],
      ["more experts of a token than there are", call({ perToken: 6 })],
      ["more than 64 experts of a token", call({ perToken: 65 }, wide)],
      ["an unknown scoring", call({ scoring: "argmax" })],
      ["a scale of NaN", call({ scale: NaN })],
      ["a bias for softmax", call({ bias: scope.use(k.zeros([5], "f32")) })],
    ];
  },
  rows: {
    arguments: ["logits"],
    many: scorings.flatMap((scoring) => [build([manyRows, 10, 3], scoring, { normalize: true })]),
  },
});

export const routeExpertsBackward = defineTrainingOp("routeExpertsBackward", {
  reference: backwardReference,
  cases: [...optionCases(backwardCase), ...biasCases(backwardCase)],
  minimal: {
    args: { dWeights: f32(3, 2), ...routeArgs, experts: i32(3, 2) },
    dense: ["experts"],
    call: (k, { dWeights, experts, ...args }) => [
      k.routeExpertsBackward(dWeights, { ...args, ...routeScalars }, experts),
    ],
  },
  batched: { arguments: ["dWeights", "logits"] },
});

export const expertLoads = defineTrainingOp("expertLoads", {
  reference: loadsReference,
  cases: [
    loadsCase(1, 1, 1),
    loadsCase(3, 2, 5),
    loadsCase(130, 6, 64),
    loadsCase(700, 2, 1024),
    loadsCase(4, 2, 5, ", ids that are clamped", (experts) => {
      experts.set([-1, 5, 1000, -(2 ** 31)], 1);
    }),
  ],
  minimal: {
    args: { experts: i32(3, 2) },
    dense: ["experts"],
    call: (k, t) => [k.expertLoads(t.experts, 4)],
  },
  outOfRange: (k, scope) => {
    const experts = scope.use(k.zeros([3, 2], "i32"));
    return [
      ["no experts", () => k.expertLoads(experts, 0)],
      ["half an expert", () => k.expertLoads(experts, 2.5)],
    ];
  },
});
