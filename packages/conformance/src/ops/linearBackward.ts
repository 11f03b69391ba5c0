import { isQuantized, quantizedTypes, type WeightDType } from "@mamba/kernel";
import { type CaseInput, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { blockOf, extremeBlocks, randomBlocks } from "../cases/storageBlocks.ts";
import type { Values } from "../math.ts";
import { B, D, defineTrainingOp, f32, L } from "../opSuite.ts";
import { Random } from "../random.ts";

// Sizes are those of the forward: x [rows, I], weight [O, I], y [rows, O].

/** dx = dy · weight for dy [rows, O], weight [O, I] */
function inputReference(
  rows: number,
  inFeatures: number,
  outFeatures: number,
  dy: Values,
  weight: Values,
): Float64Array {
  const dx = new Float64Array(rows * inFeatures);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let o = 0; o < outFeatures; o++) sum += dy[r * outFeatures + o]! * weight[o * inFeatures + i]!;
      dx[r * inFeatures + i] = sum;
    }
  }
  return dx;
}

/** dWeight [O, I] = dyᵀ · x for dy [rows, O], x [rows, I] */
function weightReference(
  rows: number,
  inFeatures: number,
  outFeatures: number,
  dy: Values,
  x: Values,
): Float64Array {
  const dWeight = new Float64Array(outFeatures * inFeatures);
  for (let o = 0; o < outFeatures; o++) {
    for (let i = 0; i < inFeatures; i++) {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += dy[r * outFeatures + o]! * x[r * inFeatures + i]!;
      dWeight[o * inFeatures + i] = sum;
    }
  }
  return dWeight;
}

interface Options {
  dtype?: WeightDType;
  /** Inputs are column views; "aligned" ones start at multiples of four numbers. */
  view?: boolean | "aligned";
  leading?: readonly number[];
  note?: string;
  /** True for blocks at the ends of the ranges of their fields; for quantised weights only. */
  extreme?: boolean;
  /** Changes dy, and x or a weight that is not quantised, after they were drawn. */
  edit?: (dy: Float32Array, other: Float32Array) => void;
}

function place(view: boolean | "aligned", input: CaseInput, before: number, after: number): CaseInput {
  if (view === "aligned") return asView(input, 4, -(input.shape.at(-1) ?? 0) & 3);
  return view ? asView(input, before, after) : input;
}
const nameOf = (rows: number, I: number, O: number, { view, note = "" }: Options, dtype = "") =>
  `rows ${rows} in ${I} out ${O}${dtype}${view ? ` of ${view === "aligned" ? "aligned " : ""}views` : ""}${note}`;

function inputCase(rows: number, I: number, O: number, options: Options = {}): OpCase {
  const { dtype = "f32", view = false, leading = [rows], extreme = false, edit } = options;
  const label = nameOf(rows, I, O, options, ` ${dtype}`);
  return defineTrainingCase({
    op: "linearBackwardInput",
    label,
    sizes: { rows, I, O },
    cost: { flops: 2 * rows * I * O, bytes: bytesOf(rows * (I + O)) + bytesOf(I * O, dtype) },
    requires: [{ op: "linearBackwardInput", dtype }],
    inputs: () => {
      const random = new Random(`linearBackwardInput ${label}`);
      const dy = random.normals(rows * O);
      const weight = random.normals(isQuantized(dtype) ? 0 : O * I, O ** -0.5);
      edit?.(dy, weight);
      return {
        dy: place(view, floats(dy, [...leading, O]), 3, 2),
        weight: isQuantized(dtype)
          ? (extreme ? extremeBlocks : randomBlocks)(random, [O, I], dtype)
          : floats(weight, [O, I], dtype),
      };
    },
    run: (kernel, t) => ({ dx: kernel.linearBackwardInput(t.dy, t.weight) }),
    reference: (v) => ({ dx: result([...leading, I], inputReference(rows, I, O, v.dy, v.weight)) }),
  });
}

function weightCase(rows: number, I: number, O: number, options: Options = {}): OpCase {
  const { view = false, leading = [rows], edit } = options;
  const label = nameOf(rows, I, O, options);
  return defineTrainingCase({
    op: "linearBackwardWeight",
    label,
    sizes: { rows, I, O },
    cost: { flops: 2 * rows * I * O, bytes: bytesOf(rows * (I + O) + I * O) },
    inputs: () => {
      const random = new Random(`linearBackwardWeight ${label}`);
      const dy = random.normals(rows * O, rows ** -0.5);
      const x = random.normals(rows * I);
      edit?.(dy, x);
      return {
        dy: place(view, floats(dy, [...leading, O]), 3, 2),
        x: place(view, floats(x, [...leading, I]), 0, 5),
      };
    },
    run: (kernel, t) => ({ dWeight: kernel.linearBackwardWeight(t.dy, t.x) }),
    reference: (v) => ({ dWeight: result([O, I], weightReference(rows, I, O, v.dy, v.x)) }),
  });
}

// rows, in, out: remainders of register tiles and cache blocks in each of the three.
const odd: [number, number, number][] = [
  [1, 1, 1],
  [1, 9, 1],
  [3, 5, 1],
  [1, 1, 7],
  [2, 3, 5],
  [4, 33, 3],
  [9, 1, 33],
  [1, 129, 513],
  [7, 517, 64],
];
const rowCounts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130];

export const linearBackwardInput = defineTrainingOp("linearBackwardInput", {
  reference: inputReference,
  cases: [
    ...quantizedTypes.flatMap((dtype) => {
      const block = blockOf(dtype);
      return [
        inputCase(1, block, 1, { dtype }),
        inputCase(1, 3 * block, 33, { dtype }),
        inputCase(3, 5 * block, 7, { dtype }),
        inputCase(5, 2 * block, 70, { dtype, view: true }),
        inputCase(9, block, 257, { dtype }),
        inputCase(33, 3 * block, 11, { dtype }),
        inputCase(9, 2 * block, 24, { dtype, extreme: true, note: ", blocks at the ends of their ranges" }),
        inputCase(6, block, 9, {
          dtype,
          leading: [2, 3],
          note: ", three axes, NaN in one row of dy",
          edit: (dy) => {
            dy[3 * 9 + 4] = NaN;
          },
        }),
      ];
    }),
    ...(["f32", "f16", "bf16"] as const).flatMap((dtype) => [
      ...odd.map(([rows, I, O]) => inputCase(rows, I, O, { dtype })),
      ...rowCounts.map((rows) => inputCase(rows, 43, 37, { dtype })),
      inputCase(64, 66, 129, { dtype }),
      inputCase(130, 97, 257, { dtype }),
      inputCase(17, 35, 1031, { dtype, note: ", deeper than a cache block" }),
      inputCase(67, 1100, 40, { dtype, note: ", wider than a cache block" }),
      inputCase(301, 34, 24, { dtype, note: ", taller than a cache block" }),
      inputCase(5, 80, 48, { dtype, view: true }),
      inputCase(1, 80, 48, { dtype, view: true }),
      inputCase(70, 132, 67, { dtype, view: "aligned" }),
      inputCase(5, 36, 18, { dtype, view: "aligned" }),
      inputCase(6, 24, 16, { dtype, leading: [2, 3], note: ", three axes" }),
      inputCase(7, 11, 9, {
        dtype,
        note: ", NaN in one row of dy",
        edit: (dy) => {
          dy[3 * 9 + 4] = NaN;
        },
      }),
      inputCase(3, 33, 20, {
        dtype,
        note: ", NaN and infinity in one column each of the weight",
        edit: (_, weight) => {
          weight[5 * 33 + 32] = NaN;
          weight[17 * 33 + 2] = Infinity;
        },
      }),
    ]),
  ],
  benchmarks: [inputCase(512, 768, 3072)],
  minimal: {
    args: { dy: f32(B, L, 6), weight: f32(6, D) },
    dense: ["weight"],
    anyAxes: ["dy"],
    anyWidth: ["weight"],
    call: (k, t) => [k.linearBackwardInput(t.dy, t.weight)],
  },
  batched: { arguments: ["dy"] },
});

export const linearBackwardWeight = defineTrainingOp("linearBackwardWeight", {
  reference: weightReference,
  cases: [
    ...odd.map(([rows, I, O]) => weightCase(rows, I, O)),
    ...rowCounts.map((rows) => weightCase(rows, 37, 43)),
    weightCase(66, 64, 129),
    weightCase(257, 130, 97),
    weightCase(1031, 17, 35, { note: ", deeper than a cache block" }),
    weightCase(40, 67, 1100, { note: ", taller than a cache block" }),
    weightCase(24, 301, 34, { note: ", wider than a cache block" }),
    weightCase(20, 48, 80, { view: true }),
    weightCase(1, 48, 80, { view: true }),
    weightCase(130, 33, 65, { view: true }),
    weightCase(301, 65, 130, { view: "aligned" }),
    weightCase(11, 36, 18, { view: "aligned" }),
    weightCase(6, 24, 16, { leading: [2, 3], note: ", three axes" }),
    weightCase(7, 11, 9, {
      note: ", NaN in one column of dy and infinity in one of x",
      edit: (dy, x) => {
        dy[3 * 9 + 4] = NaN;
        x[6 * 11 + 10] = Infinity;
      },
    }),
  ],
  benchmarks: [weightCase(512, 768, 3072)],
  minimal: {
    args: { dy: f32(B, L, 6), x: f32(B, L, D) },
    anyWidth: ["dy", "x"],
    call: (k, t) => [k.linearBackwardWeight(t.dy, t.x)],
  },
});
