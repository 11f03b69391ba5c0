import { isQuantized, type QuantizedDType, quantizedTypes, type WeightDType } from "@mamba/kernel";
import { type CaseInput, defineCase, floats, type OpCase, roundedTolerance } from "../case.ts";
import { asView, bytesOf, result, withValues } from "../cases/inputs.ts";
import { blockOf, extremeBlocks, randomBlocks } from "../cases/storageBlocks.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** y = x · weightᵀ + bias for x [rows, I], weight [O, I], bias [O] */
function reference(
  rows: number,
  inFeatures: number,
  outFeatures: number,
  x: Values,
  weight: Values,
  bias?: Values,
): Float64Array {
  const y = new Float64Array(rows * outFeatures);
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < outFeatures; o++) {
      let sum = bias?.[o] ?? 0;
      for (let i = 0; i < inFeatures; i++) sum += x[r * inFeatures + i]! * weight[o * inFeatures + i]!;
      y[r * outFeatures + o] = sum;
    }
  }
  return y;
}

interface Options {
  dtype?: WeightDType;
  bias?: boolean;
  view?: boolean;
  leading?: readonly number[];
  note?: string;
  /** True for blocks at the ends of the ranges of their fields; for quantised weights only. */
  extreme?: boolean;
  /** Changes x, and a weight that is not quantised, after they were drawn. */
  edit?: (x: Float32Array, weight: Float32Array) => void;
}

function build(rows: number, I: number, O: number, options: Options = {}): OpCase {
  const {
    dtype = "f32",
    bias = false,
    view = false,
    leading = [rows],
    note = "",
    extreme = false,
    edit,
  } = options;
  const label = `rows ${rows} in ${I} out ${O} ${dtype}${bias ? " +bias" : ""}${view ? " of a view" : ""}${note}`;
  return defineCase({
    op: "linear",
    label,
    sizes: { rows, I, O },
    cost: {
      flops: 2 * rows * I * O,
      bytes: bytesOf(rows * (I + O) + (bias ? O : 0)) + bytesOf(I * O, dtype),
    },
    requires: [{ op: "linear", dtype }],
    roundedTolerance: isQuantized(dtype) ? roundedTolerance(rows * O) : undefined,
    inputs: () => {
      const random = new Random(`linear ${label}`);
      const x = random.normals(rows * I);
      const weight = random.normals(isQuantized(dtype) ? 0 : O * I, I ** -0.5);
      edit?.(x, weight);
      const input: CaseInput = floats(x, [...leading, I]);
      return {
        x: view ? asView(input) : input,
        weight: isQuantized(dtype)
          ? (extreme ? extremeBlocks : randomBlocks)(random, [O, I], dtype)
          : floats(weight, [O, I], dtype),
        bias: bias ? floats(random.normals(O), [O]) : undefined,
      };
    },
    run: (kernel, t) => ({ y: kernel.linear(t.x, t.weight, t.bias) }),
    reference: (v) => ({ y: result([...leading, O], reference(rows, I, O, v.x, v.weight, v.bias)) }),
  });
}

const dtypes = ["f32", "f16", "bf16"] as const;

// rows, in, out: every row count that a register tile may leave as a remainder, and odd widths on both sides.
const odd: [number, number, number][] = [
  [1, 1, 1],
  [1, 1, 9],
  [3, 1, 5],
  [1, 7, 1],
  [2, 5, 3],
  [4, 3, 33],
  [9, 33, 1],
  [1, 513, 129],
  [1, 64, 517],
];
const rowCounts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130];
const one = (x: Float32Array, i: number, value: number): void => {
  x[i] = value;
};

const shapeCases = dtypes.flatMap((dtype) => [
  ...odd.map(([rows, I, O], i) => build(rows, I, O, { dtype, bias: i % 2 === 1 })),
  ...rowCounts.map((rows, i) => build(rows, 37, 43, { dtype, bias: i % 2 === 0 })),
  build(64, 129, 66, { dtype, bias: true }),
  build(130, 257, 97, { dtype }),
  build(17, 1031, 35, { dtype, note: ", deeper than a cache block" }),
  build(67, 40, 1100, { dtype, bias: true, note: ", wider than a cache block" }),
  build(301, 24, 34, { dtype, note: ", taller than a cache block" }),
  build(1, 768, 1030, { dtype, note: ", a decoded token" }),
  build(8, 130, 1030, { dtype, note: ", eight decoded tokens" }),
  build(5, 48, 80, { dtype, view: true, bias: true }),
  build(1, 48, 80, { dtype, view: true }),
  build(130, 33, 65, { dtype, view: true }),
  build(6, 16, 24, { dtype, leading: [2, 3], note: ", three axes" }),
  build(7, 9, 11, {
    dtype,
    note: ", NaN in one row of x",
    edit: (x) => {
      one(x, 3 * 9 + 4, NaN);
    },
  }),
  build(1, 64, 33, {
    dtype,
    note: ", NaN and infinity in one row each of the weight",
    edit: (_, w) => {
      one(w, 5 * 64 + 63, NaN);
      one(w, 17 * 64 + 2, Infinity);
      one(w, 32 * 64 + 31, -Infinity);
    },
  }),
  build(9, 35, 10, {
    dtype,
    note: ", infinity in x, NaN in the last row of the weight",
    edit: (x, w) => {
      one(x, 2 * 35 + 34, Infinity);
      one(w, 9 * 35, NaN);
    },
  }),
]);

/** One block of a row and several, an odd number of them; every remainder of a tile of rows; odd widths. */
function quantizedCases(dtype: QuantizedDType): OpCase[] {
  const block = blockOf(dtype);
  return [
    build(1, block, 1, { dtype }),
    build(1, 3 * block, 257, { dtype, bias: true }),
    build(2, 5 * block, 3, { dtype }),
    build(3, block, 129, { dtype, bias: true }),
    build(5, 2 * block, 67, { dtype }),
    build(9, 7 * block, 7, { dtype, bias: true }),
    build(33, 3 * block, 11, { dtype }),
    build(33, block, 70, { dtype, bias: true }),
    build(1, 4 * block, 33, { dtype, view: true }),
    build(5, 3 * block, 7, { dtype, view: true, bias: true }),
    build(6, block, 24, { dtype, leading: [2, 3], note: ", three axes" }),
    build(9, 4 * block, 24, { dtype, extreme: true, note: ", blocks at the ends of their ranges" }),
    build(1, 3 * block, 24, { dtype, extreme: true, note: ", blocks at the ends of their ranges" }),
    build(7, 2 * block, 5, {
      dtype,
      note: ", NaN in one row of x, another of zeros",
      edit: (x) => {
        one(x, 3 * 2 * block + 4, NaN);
        x.fill(0, 5 * 2 * block, 6 * 2 * block);
      },
    }),
  ];
}

export const linear = defineOp("linear", {
  reference,
  cases: [
    ...shapeCases,
    ...quantizedTypes.flatMap(quantizedCases),
    build(2, 40, 12, {
      dtype: "f16",
      note: ", all weights subnormal in f16",
      edit: (_, w) => {
        w.forEach((value, i) => (w[i] = value * 1e-4));
      },
    }),
    build(2, 40, 12, {
      dtype: "f16",
      note: ", weights near the largest f16",
      edit: (_, w) => {
        w.set(withValues(new Float32Array(w.length), [65504, -65504, 32768.5, 60000]));
      },
    }),
    build(2, 40, 12, {
      dtype: "bf16",
      note: ", weights with the exponents only bf16 has",
      edit: (_, w) => {
        w.forEach((value, i) => (w[i] = value * (i % 2 ? 1e30 : 1e-30)));
      },
    }),
  ],
  // The projections of mamba-130m: in training or for a prompt, and for one token.
  benchmarks: (["f32", "f16", "q8_0", "q4_0", "q4_k"] as const).flatMap((dtype) => [
    build(512, 768, 3072, { dtype }),
    build(1, 768, 3072, { dtype, note: ", in_proj" }),
    build(1, 1536, 80, { dtype, note: ", x_proj" }),
    ...(isQuantized(dtype) ? [] : [build(1, 48, 1536, { dtype, note: ", dt_proj" })]),
    build(1, 1536, 768, { dtype, note: ", out_proj" }),
    build(1, 768, 50_280, { dtype, note: ", head" }),
  ]),
  minimal: {
    args: { x: f32(B, L, D), weight: f32(6, D), bias: f32(6) },
    dense: ["weight"],
    anyAxes: ["x"],
    call: (k, t) => [k.linear(t.x, t.weight, t.bias)],
  },
  rows: {
    arguments: ["x"],
    // Depths below and above that of a cache block, and odd ones; the last columns fill no tile.
    many: [
      ...quantizedTypes.map((dtype, i) =>
        i % 2 === 0
          ? build(manyRows, 5 * blockOf(dtype), 37, { dtype, bias: true })
          : build(manyRows, 2 * blockOf(dtype), 70, { dtype, view: true }),
      ),
      ...(["q8_0", "q6_k"] as const).map((dtype) => build(manyRows, 1536, 10, { dtype })),
      ...dtypes.flatMap((dtype) => [
        build(manyRows, 40, 35, { dtype }),
        build(manyRows, 129, 70, { dtype, bias: true }),
        build(manyRows, 1536, 37, { dtype, bias: true }),
        build(manyRows, 2063, 10, { dtype }),
        build(manyRows, 48, 80, { dtype, view: true }),
        build(manyRows, 1100, 9, {
          dtype,
          note: ", infinity in the weight",
          edit: (_, w) => {
            one(w, 2 * 1100 + 700, Infinity);
          },
        }),
      ]),
    ],
  },
});
