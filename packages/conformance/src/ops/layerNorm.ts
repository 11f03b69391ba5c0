import { type CaseInput, defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L, manyRows, type OutOfRange } from "../opSuite.ts";
import { Random } from "../random.ts";

/** The mean of a row and 1 / sqrt(var + eps), with the variance of the differences from the mean. */
function statistics(row: Float64Array, eps: number): { mean: number; scale: number } {
  const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
  const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
  return { mean, scale: 1 / Math.sqrt(variance + eps) };
}

/** y = (x - mean) / sqrt(var + eps) * weight + bias over the last axis of x [rows, D] */
function reference(
  rows: number,
  features: number,
  x: Values,
  weight: Values | undefined,
  bias: Values | undefined,
  eps: number,
): Float64Array {
  const y = Float64Array.from(x);
  for (let r = 0; r < rows; r++) {
    const row = y.subarray(r * features, (r + 1) * features);
    const { mean, scale } = statistics(row, eps);
    row.forEach((value, d) => {
      row[d] = (value - mean) * scale * (weight?.[d] ?? 1) + (bias?.[d] ?? 0);
    });
  }
  return y;
}

/**
 * With n = (x - mean) / sqrt(var + eps), over the last axis of x [rows, D]:
 * dx = (dy weight - mean(dy weight) - n mean(dy weight n)) / sqrt(var + eps)
 * dWeight [D] = sum over rows of dy n, dBias [D] = sum over rows of dy
 */
function backwardReference(
  rows: number,
  features: number,
  dy: Values,
  x: Values,
  weight: Values | undefined,
  eps: number,
): { dx: Float64Array; dWeight: Float64Array; dBias: Float64Array } {
  const dx = new Float64Array(rows * features);
  const [dWeight, dBias] = [new Float64Array(features), new Float64Array(features)];
  for (let r = 0; r < rows; r++) {
    const row = Float64Array.from({ length: features }, (_, d) => x[r * features + d]!);
    const { mean, scale } = statistics(row, eps);
    const n = row.map((value) => (value - mean) * scale);
    const g = row.map((_, d) => dy[r * features + d]! * (weight?.[d] ?? 1));
    const meanG = g.reduce((sum, value) => sum + value, 0) / features;
    const meanGN = g.reduce((sum, value, d) => sum + value * n[d]!, 0) / features;
    for (let d = 0; d < features; d++) {
      dx[r * features + d] = scale * (g[d]! - meanG - n[d]! * meanGN);
      dWeight[d]! += dy[r * features + d]! * n[d]!;
      dBias[d]! += dy[r * features + d]!;
    }
  }
  return { dx, dWeight, dBias };
}

interface Options {
  weight?: boolean;
  bias?: boolean;
  view?: boolean;
  eps?: number;
  /** Added to each x. */
  mean?: number;
  note?: string;
  leading?: readonly number[];
  /** Overwrite the first elements of x. */
  values?: readonly number[];
}

/** The parts that the forward and the backward cases share. */
function partsOf(op: "layerNorm" | "layerNormBackward", rows: number, D: number, options: Options) {
  const { weight = false, bias = false, view = false, eps = 1e-5, mean = 0, note = "" } = options;
  const { leading = [rows], values = [] } = options;
  const flags = `${weight ? " +weight" : ""}${bias ? " +bias" : ""}${view ? " of a view" : ""}`;
  const label = `rows ${rows} D${D} eps ${eps}${flags}${note}`;
  const shape = [...leading, D];
  return {
    ...{ label, eps, shape, weight, bias, parameters: (weight ? 1 : 0) + (bias ? 1 : 0) },
    inputs: () => {
      const random = new Random(`${op} ${label}`);
      const data = random.normals(rows * D).map((x) => x + mean);
      const x = floats(withValues(data, values), shape);
      const place = (input: CaseInput, before: number) => (view ? asView(input, before, 2) : input);
      return {
        dy: place(floats(random.normals(rows * D), shape), 1),
        x: place(x, 3),
        weight: weight ? floats(random.normals(D), [D]) : undefined,
        bias: bias ? floats(random.normals(D), [D]) : undefined,
      };
    },
  };
}

function build(rows: number, D: number, options: Options = {}): OpCase {
  const { label, eps, shape, parameters, inputs } = partsOf("layerNorm", rows, D, options);
  return defineCase({
    op: "layerNorm",
    label,
    sizes: { rows, D },
    cost: { flops: rows * ((5 + parameters) * D + 4), bytes: bytesOf(2 * rows * D + parameters * D) },
    inputs: () => {
      const { x, weight, bias } = inputs();
      return { x, weight, bias };
    },
    run: (kernel, t) => ({ y: kernel.layerNorm(t.x, t.weight, t.bias, eps) }),
    reference: (v) => ({ y: result(shape, reference(rows, D, v.x, v.weight, v.bias, eps)) }),
  });
}

function backwardCase(rows: number, D: number, options: Options = {}): OpCase {
  const { label, eps, shape, weight, bias, parameters, inputs } = partsOf(
    "layerNormBackward",
    rows,
    D,
    options,
  );
  return defineTrainingCase({
    op: "layerNormBackward",
    label,
    sizes: { rows, D },
    cost: {
      flops: rows * ((12 + 2 * parameters) * D + 6),
      bytes: bytesOf(3 * rows * D + 2 * parameters * D),
    },
    inputs,
    run: (kernel, t) => {
      const { dx, dWeight, dBias } = kernel.layerNormBackward(t.dy, t.x, t.weight, t.bias, eps);
      return { dx, ...(dWeight && { dWeight }), ...(dBias && { dBias }) };
    },
    reference: (v) => {
      const { dx, dWeight, dBias } = backwardReference(rows, D, v.dy, v.x, v.weight, eps);
      return {
        dx: result(shape, dx),
        ...(weight && { dWeight: result([D], dWeight) }),
        ...(bias && { dBias: result([D], dBias) }),
      };
    },
  });
}

function badEps(call: (eps: number) => unknown): OutOfRange[] {
  return [
    ["eps negative", () => call(-1e-5)],
    ["eps NaN", () => call(NaN)],
  ];
}

const equal = new Array<number>(8).fill(0.5);

export const layerNorm = defineOp("layerNorm", {
  reference,
  cases: [
    build(3, 33, { weight: true, bias: true }),
    build(6, 48, { view: true, leading: [2, 3], weight: true, note: ", three axes" }),
    build(2, 2049, { bias: true }),
    build(130, 24),
    build(5, 129, { mean: 30, weight: true, note: ", a large mean" }),
    build(3, 8, { weight: true, bias: true, values: equal, note: ", a row of equal elements" }),
    build(4, 9, {
      values: [1, NaN, 2, 3, 4, 5, 6, 7, 8, 9, Infinity],
      note: ", NaN in one row, infinity in one",
    }),
  ],
  rows: {
    arguments: ["x"],
    many: [build(manyRows, 517, { weight: true, bias: true }), build(manyRows, 10)],
  },
  minimal: {
    args: { x: f32(B, L, D), weight: f32(D), bias: f32(D) },
    anyAxes: ["x"],
    dense: ["weight", "bias"],
    call: (k, t) => [k.layerNorm(t.x, t.weight, t.bias, 1e-5)],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return badEps((eps) => kernel.layerNorm(x, undefined, undefined, eps));
  },
});

export const layerNormBackward = defineTrainingOp("layerNormBackward", {
  reference: backwardReference,
  cases: [
    backwardCase(3, 33, { weight: true, bias: true }),
    backwardCase(6, 48, { view: true, leading: [2, 3], weight: true, note: ", three axes" }),
    backwardCase(2, 2049, { bias: true }),
    backwardCase(513, 5, { weight: true, bias: true }),
    backwardCase(5, 129, { mean: 30, note: ", a large mean" }),
    backwardCase(4, 9, { weight: true, values: [1, NaN], note: ", NaN in one row" }),
  ],
  minimal: {
    args: { dy: f32(B, L, D), x: f32(B, L, D), weight: f32(D), bias: f32(D) },
    dense: ["weight", "bias"],
    call: (k, t) => {
      const { dx, dWeight, dBias } = k.layerNormBackward(t.dy, t.x, t.weight, t.bias, 1e-5);
      return [dx, dWeight, dBias].filter((tensor) => tensor !== undefined);
    },
  },
  batched: { arguments: ["dy", "x"], results: ["dx"] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return badEps((eps) => kernel.layerNormBackward(x, x, undefined, undefined, eps));
  },
});
