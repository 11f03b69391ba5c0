import type { Shape } from "@mamba/kernel";
import { type CaseInput, defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, gradients, result, withValues } from "../cases/inputs.ts";
import { sigmoid, siluSlope, type Values } from "../math.ts";
import { B, defineOp, defineTrainingOp, f32, L, manyRows, type OutOfRange } from "../opSuite.ts";
import { Random } from "../random.ts";

/** The arguments of the op as plain numbers. */
interface GatedNormValues {
  x: Values;
  z: Values;
  weight: Values;
  eps: number;
  normBeforeGate?: boolean | undefined;
}

/** Extents: rows, columns of a row, column ranges that are normed alone. */
interface Extents {
  readonly rows: number;
  readonly D: number;
  readonly groups: number;
}

const silu = (x: number): number => x * sigmoid(x);

/** The input of the norm: x silu(z), or x when the gate follows. */
function normed({ x, z, normBeforeGate }: GatedNormValues, i: number): number {
  return normBeforeGate ? x[i]! : x[i]! * silu(z[i]!);
}

/** 1 / sqrt(mean(v²) + eps) over the range of `width` elements from `from`. */
function scaleOf(values: GatedNormValues, from: number, width: number): number {
  let sum = 0;
  for (let i = from; i < from + width; i++) sum += normed(values, i) ** 2;
  return 1 / Math.sqrt(sum / width + values.eps);
}

/** weight norm(x silu(z)), or weight norm(x) silu(z) with `normBeforeGate`. */
function reference({ rows, D, groups }: Extents, values: GatedNormValues): Float64Array {
  const { z, weight, normBeforeGate } = values;
  const y = new Float64Array(rows * D);
  const width = D / groups;
  for (let from = 0; from < y.length; from += width) {
    const scale = scaleOf(values, from, width);
    for (let i = from; i < from + width; i++) {
      y[i] = weight[i % D]! * normed(values, i) * scale * (normBeforeGate ? silu(z[i]!) : 1);
    }
  }
  return y;
}

/**
 * With v the input of the norm, n = v scale and g = dy weight (times silu(z) when the gate follows): dv = scale (g - n mean(n g)).
 * Then dx = dv silu(z) and dz = dv x silu'(z), or dx = dv and dz = dy weight n silu'(z) when the gate follows.
 */
function backwardReference(
  { rows, D, groups }: Extents,
  dy: Values,
  values: GatedNormValues,
): Record<"x" | "z" | "weight", Float64Array> {
  const { x, z, weight, normBeforeGate } = values;
  const grads = {
    x: new Float64Array(rows * D),
    z: new Float64Array(rows * D),
    weight: new Float64Array(D),
  };
  const width = D / groups;
  for (let from = 0; from < rows * D; from += width) {
    const scale = scaleOf(values, from, width);
    const g = (i: number): number => dy[i]! * weight[i % D]! * (normBeforeGate ? silu(z[i]!) : 1);
    let mean = 0;
    for (let i = from; i < from + width; i++) mean += (normed(values, i) * scale * g(i)) / width;
    for (let i = from; i < from + width; i++) {
      const n = normed(values, i) * scale;
      const dv = scale * (g(i) - n * mean);
      grads.x[i] = normBeforeGate ? dv : dv * silu(z[i]!);
      grads.z[i] = (normBeforeGate ? dy[i]! * weight[i % D]! * n : dv * x[i]!) * siluSlope(z[i]!);
      grads.weight[i % D]! += dy[i]! * n * (normBeforeGate ? silu(z[i]!) : 1);
    }
  }
  return grads;
}

interface Options {
  normBeforeGate?: boolean;
  view?: boolean;
  eps?: number;
  /** Factor on x. */
  scale?: number;
  note?: string;
  leading?: readonly number[];
  /** Overwrite the first elements of x, or of z. */
  values?: readonly number[];
  gates?: readonly number[];
}

/** The parts that a case of the op and one of its backward have. */
function partsOf(op: string, { rows, D, groups }: Extents, options: Options) {
  const { view = false, eps = 1e-5, scale = 1, note = "", leading = [rows], normBeforeGate } = options;
  const order = normBeforeGate ? " norm first" : "";
  const label = `rows ${rows} D${D} groups ${groups} eps ${eps}${order}${view ? " of views" : ""}${note}`;
  const shape: Shape = [...leading, D];
  const place = (input: CaseInput, before: number): CaseInput => (view ? asView(input, before, 2) : input);
  return {
    ...{ label, shape, sizes: { rows, D, groups } },
    scalars: { eps, groups, ...(normBeforeGate !== undefined && { normBeforeGate }) },
    values: { eps, normBeforeGate },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      return {
        dy: place(floats(random.normals(rows * D), shape), 1),
        x: place(floats(withValues(random.normals(rows * D, scale), options.values ?? []), shape), 3),
        z: place(floats(withValues(random.normals(rows * D, 2), options.gates ?? []), shape), D),
        weight: floats(random.normals(D), [D]),
      };
    },
  };
}

/** The gate (5), the square and its sum (2), and the products with scale and weight (2) of each element; a root and a quotient for each group. */
function build(rows: number, D: number, groups: number, options: Options = {}): OpCase {
  const { label, shape, sizes, scalars, values, inputs } = partsOf(
    "gatedRmsNorm",
    { rows, D, groups },
    options,
  );
  return defineCase({
    op: "gatedRmsNorm",
    label,
    sizes,
    cost: { flops: rows * (9 * D + 2 * groups), bytes: bytesOf(3 * rows * D + D) },
    inputs: () => {
      const { x, z, weight } = inputs();
      return { x, z, weight };
    },
    run: (kernel, t) => ({ y: kernel.gatedRmsNorm({ ...t, ...scalars }) }),
    reference: (v) => ({ y: result(shape, reference(sizes, { ...v, ...values })) }),
  });
}

/** The forward without its last products (7), both sums (4), and the three gradients (15) of each element. */
function backwardCase(rows: number, D: number, groups: number, options: Options = {}): OpCase {
  const op = "gatedRmsNormBackward";
  const { label, shape, sizes, scalars, values, inputs } = partsOf(op, { rows, D, groups }, options);
  return defineTrainingCase({
    op,
    label,
    sizes,
    cost: { flops: rows * (26 * D + 4 * groups), bytes: bytesOf(5 * rows * D + 2 * D) },
    inputs,
    run: (kernel, { dy, ...args }) => gradients(kernel.gatedRmsNormBackward(dy, { ...args, ...scalars })),
    reference: ({ dy, ...v }) => {
      const grads = backwardReference(sizes, dy, { ...v, ...values });
      return {
        d_x: result(shape, grads.x),
        d_z: result(shape, grads.z),
        d_weight: result([D], grads.weight),
      };
    },
  });
}

/** The cases of the op, which its backward has too. */
function casesOf(make: typeof build): OpCase[] {
  return [
    ...[3, 5, 16, 33, 129, 513].map((D, i) => make((i % 4) + 1, D, 1, { normBeforeGate: i % 2 === 1 })),
    make(5, 24, 2),
    make(5, 24, 3, { normBeforeGate: true }),
    make(3, 40, 8, { normBeforeGate: false }),
    make(2, 7, 7, { eps: 0.1, note: ", groups of one column" }),
    make(2, 390, 3, { note: ", groups longer than a vector" }),
    make(150, 66, 2, { note: ", work for several threads" }),
    make(5, 48, 4, { view: true }),
    make(5, 48, 4, { view: true, normBeforeGate: true }),
    make(2, 33, 1, { eps: 0.5 }),
    make(3, 16, 2, { eps: 1e-6, scale: 1e-3, note: ", so small that eps counts" }),
    make(2, 33, 1, { scale: 1e15, normBeforeGate: true, note: ", large values" }),
    make(6, 20, 5, { leading: [2, 3], note: ", three axes" }),
    make(3, 8, 2, { values: new Array<number>(8).fill(0), note: ", a row of zeros" }),
    make(2, 8, 1, { gates: [-100, 100, -1000, 1000, 0, -0, -20, 20], note: ", gates far from 0" }),
    make(2, 8, 1, {
      gates: [-100, 100, -1000, 1000, 0, -0, -20, 20],
      normBeforeGate: true,
      note: ", gates far from 0",
    }),
    make(3, 12, 3, { values: [1, NaN], note: ", NaN in one group" }),
    make(3, 12, 3, { gates: [1, NaN], normBeforeGate: true, note: ", NaN in one gate" }),
  ];
}

/** Calls with eps or groups out of range, for rows of six columns. */
function badScalars(call: (eps: number, groups: number) => unknown): OutOfRange[] {
  return [
    ["eps negative", () => call(-1e-5, 1)],
    ["eps NaN", () => call(NaN, 1)],
    ["groups 0", () => call(1e-5, 0)],
    ["groups 1.5", () => call(1e-5, 1.5)],
    ["groups that do not divide D", () => call(1e-5, 4)],
  ];
}

const scalars = { eps: 1e-5, groups: 2 };
const minimalArgs = { x: f32(B, L, 6), z: f32(B, L, 6), weight: f32(6) };

export const gatedRmsNorm = defineOp("gatedRmsNorm", {
  reference,
  cases: casesOf(build),
  benchmarks: [build(512, 1536, 1)],
  minimal: {
    args: minimalArgs,
    dense: ["weight"],
    call: (k, t) => [k.gatedRmsNorm({ ...t, ...scalars })],
  },
  rows: {
    arguments: ["x", "z"],
    many: [
      build(manyRows, 768, 1),
      build(manyRows, 66, 3, { normBeforeGate: true }),
      build(manyRows, 48, 4, { view: true }),
    ],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 6], "f32"));
    const weight = scope.use(kernel.zeros([6], "f32"));
    return badScalars((eps, groups) => kernel.gatedRmsNorm({ x, z: x, weight, eps, groups }));
  },
});

export const gatedRmsNormBackward = defineTrainingOp("gatedRmsNormBackward", {
  reference: backwardReference,
  cases: casesOf(backwardCase),
  minimal: {
    args: { dy: f32(B, L, 6), ...minimalArgs },
    dense: ["weight"],
    call: (k, { dy, ...args }) =>
      Object.values(gradients(k.gatedRmsNormBackward(dy, { ...args, ...scalars }))),
  },
  batched: { arguments: ["dy", "x", "z"], results: ["d_x", "d_z"] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 6], "f32"));
    const weight = scope.use(kernel.zeros([6], "f32"));
    return badScalars((eps, groups) => kernel.gatedRmsNormBackward(x, { x, z: x, weight, eps, groups }));
  },
});
