import { type CaseInput, defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { defineOp, defineTrainingOp, f32, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** out[r] = sum_j weights[r,j] · y[r,j] for y [R, K, O], weights [R, K] */
function reference(R: number, K: number, O: number, y: Values, weights: Values): Float64Array {
  const out = new Float64Array(R * O);
  for (let r = 0; r < R; r++) {
    for (let j = 0; j < K; j++) {
      for (let o = 0; o < O; o++) out[r * O + o]! += weights[r * K + j]! * y[(r * K + j) * O + o]!;
    }
  }
  return out;
}

/** dy[r,j] = weights[r,j] · dOut[r], dWeights[r,j] = dOut[r] · y[r,j] */
function backwardReference(
  R: number,
  K: number,
  O: number,
  dOut: Values,
  y: Values,
  weights: Values,
): { y: Float64Array; weights: Float64Array } {
  const grads = { y: new Float64Array(R * K * O), weights: new Float64Array(R * K) };
  for (let p = 0; p < R * K; p++) {
    for (let o = 0; o < O; o++) {
      const d = dOut[Math.floor(p / K) * O + o]!;
      grads.y[p * O + o] = weights[p]! * d;
      grads.weights[p]! += d * y[p * O + o]!;
    }
  }
  return grads;
}

type Sizes = readonly [R: number, K: number, O: number];

interface Options {
  view?: boolean;
  /** Put NaN into one row of y. */
  special?: boolean;
}

const labelOf = ([R, K, O]: Sizes, { view = false, special = false }: Options): string =>
  `R${R} K${K} out ${O}${view ? " of views" : ""}${special ? ", NaN in one row of y" : ""}`;

function drawn(op: string, [R, K, O]: Sizes, options: Options) {
  const random = new Random(`${op} ${labelOf([R, K, O], options)}`);
  const y = random.normals(R * K * O);
  if (options.special) y[(R * K - 1) * O] = NaN;
  const place = (input: CaseInput, before: number): CaseInput =>
    options.view ? asView(input, before, 2) : input;
  return {
    y: place(floats(y, [R, K, O]), 3),
    weights: place(floats(random.normals(R * K), [R, K]), 1),
    dOut: place(floats(random.normals(R * O), [R, O]), 5),
  };
}

function build(sizes: Sizes, options: Options = {}): OpCase {
  const [R, K, O] = sizes;
  return defineCase({
    op: "combineExperts",
    label: labelOf(sizes, options),
    sizes: { R, K, O },
    cost: { flops: 2 * R * K * O, bytes: bytesOf(R * K * (O + 1) + R * O) },
    inputs: () => {
      const { y, weights } = drawn("combineExperts", sizes, options);
      return { y, weights };
    },
    run: (kernel, t) => ({ out: kernel.combineExperts(t.y, t.weights) }),
    reference: (v) => ({ out: result([R, O], reference(R, K, O, v.y, v.weights)) }),
  });
}

function backwardCase(sizes: Sizes, options: Options = {}): OpCase {
  const [R, K, O] = sizes;
  return defineTrainingCase({
    op: "combineExpertsBackward",
    label: labelOf(sizes, options),
    sizes: { R, K, O },
    cost: { flops: 3 * R * K * O, bytes: bytesOf(2 * R * K * (O + 1) + R * O) },
    inputs: () => drawn("combineExpertsBackward", sizes, options),
    run: (kernel, t) => {
      const grads = kernel.combineExpertsBackward(t.dOut, t.y, t.weights);
      return { d_y: grads.y, d_weights: grads.weights };
    },
    reference: (v) => {
      const grads = backwardReference(R, K, O, v.dOut, v.y, v.weights);
      return { d_y: result([R, K, O], grads.y), d_weights: result([R, K], grads.weights) };
    },
  });
}

const shapes: readonly Sizes[] = [
  [1, 1, 1],
  [1, 6, 130],
  [3, 2, 5],
  [17, 3, 33],
  [130, 2, 7],
];

export const combineExperts = defineOp("combineExperts", {
  reference,
  cases: [
    ...shapes.map((sizes) => build(sizes)),
    build([9, 4, 21], { view: true }),
    build([4, 2, 9], { special: true }),
  ],
  benchmarks: [build([1, 6, 1536]), build([512, 6, 1536])],
  minimal: {
    args: { y: f32(3, 2, 5), weights: f32(3, 2) },
    anyWidth: ["y"],
    call: (k, t) => [k.combineExperts(t.y, t.weights)],
  },
  rows: { arguments: ["y", "weights"], many: [build([manyRows, 3, 37])] },
});

export const combineExpertsBackward = defineTrainingOp("combineExpertsBackward", {
  reference: backwardReference,
  cases: [
    ...shapes.map((sizes) => backwardCase(sizes)),
    backwardCase([9, 4, 21], { view: true }),
    backwardCase([4, 2, 9], { special: true }),
  ],
  minimal: {
    args: { dOut: f32(3, 5), y: f32(3, 2, 5), weights: f32(3, 2) },
    call: (k, t) => {
      const grads = k.combineExpertsBackward(t.dOut, t.y, t.weights);
      return [grads.y, grads.weights];
    },
  },
  batched: { arguments: ["dOut", "y", "weights"] },
});
