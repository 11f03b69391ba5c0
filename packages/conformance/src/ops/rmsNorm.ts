import { type CaseInput, defineCase, defineTrainingCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, lengths, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L, manyRows, type OutOfRange } from "../opSuite.ts";
import { Random } from "../random.ts";

/** y = x / sqrt(mean(x²) + eps) * weight over the last axis of x [rows, D] */
function reference(
  rows: number,
  features: number,
  x: Values,
  weight: Values | undefined,
  eps: number,
): Float64Array {
  const y = new Float64Array(rows * features);
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let d = 0; d < features; d++) squares += x[r * features + d]! ** 2;
    const norm = Math.sqrt(squares / features + eps);
    for (let d = 0; d < features; d++) {
      y[r * features + d] = (x[r * features + d]! / norm) * (weight?.[d] ?? 1);
    }
  }
  return y;
}

/**
 * With n = x / norm, norm = sqrt(mean(x²) + eps), over the last axis of x [rows, D]:
 * dx = (dy * weight - n * mean(dy * weight * n)) / norm, dWeight [D] = sum over rows of dy * n
 */
function backwardReference(
  rows: number,
  features: number,
  dy: Values,
  x: Values,
  weight: Values | undefined,
  eps: number,
): { dx: Float64Array; dWeight: Float64Array } {
  const dx = new Float64Array(rows * features);
  const dWeight = new Float64Array(features);
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let d = 0; d < features; d++) squares += x[r * features + d]! ** 2;
    const norm = Math.sqrt(squares / features + eps);
    let dot = 0;
    for (let d = 0; d < features; d++) {
      const i = r * features + d;
      const n = x[i]! / norm;
      dot += dy[i]! * (weight?.[d] ?? 1) * n;
      dWeight[d]! += dy[i]! * n;
    }
    for (let d = 0; d < features; d++) {
      const i = r * features + d;
      dx[i] = (dy[i]! * (weight?.[d] ?? 1) - ((x[i]! / norm) * dot) / features) / norm;
    }
  }
  return { dx, dWeight };
}

interface Options {
  weight?: boolean;
  view?: boolean;
  eps?: number;
  scale?: number;
  note?: string;
  leading?: readonly number[];
  /** Overwrite the first elements of x. */
  values?: readonly number[];
}

function build(rows: number, D: number, options: Options = {}): OpCase {
  const {
    weight = false,
    view = false,
    eps = 1e-5,
    scale = 1,
    note = "",
    leading = [rows],
    values = [],
  } = options;
  const label = `rows ${rows} D${D} eps ${eps}${weight ? " +weight" : ""}${view ? " of a view" : ""}${note}`;
  return defineCase({
    op: "rmsNorm",
    label,
    sizes: { rows, D },
    cost: {
      flops: rows * ((weight ? 4 : 3) * D + 2),
      bytes: bytesOf(2 * rows * D + (weight ? D : 0)),
    },
    inputs: () => {
      const random = new Random(`rmsNorm ${label}`);
      const x = floats(withValues(random.normals(rows * D, scale), values), [...leading, D]);
      return { x: view ? asView(x) : x, weight: weight ? floats(random.normals(D), [D]) : undefined };
    },
    run: (kernel, t) => ({ y: kernel.rmsNorm(t.x, t.weight, eps) }),
    reference: (v) => ({ y: result([...leading, D], reference(rows, D, v.x, v.weight, eps)) }),
  });
}

function backwardCase(rows: number, D: number, options: Options = {}): OpCase {
  const {
    weight = false,
    view = false,
    eps = 1e-5,
    scale = 1,
    note = "",
    leading = [rows],
    values = [],
  } = options;
  const label = `rows ${rows} D${D} eps ${eps}${weight ? " +weight" : ""}${view ? " of views" : ""}${note}`;
  return defineTrainingCase({
    op: "rmsNormBackward",
    label,
    sizes: { rows, D },
    cost: {
      flops: rows * ((weight ? 11 : 7) * D + 4),
      bytes: bytesOf(3 * rows * D + (weight ? 2 * D : 0)),
    },
    inputs: () => {
      const random = new Random(`rmsNormBackward ${label}`);
      const dy = floats(random.normals(rows * D), [...leading, D]);
      const x = floats(withValues(random.normals(rows * D, scale), values), [...leading, D]);
      const place = (input: CaseInput, before: number) => (view ? asView(input, before, 2) : input);
      return {
        dy: place(dy, 1),
        x: place(x, 3),
        weight: weight ? floats(random.normals(D), [D]) : undefined,
      };
    },
    run: (kernel, t) => {
      const { dx, dWeight } = kernel.rmsNormBackward(t.dy, t.x, t.weight, eps);
      return dWeight ? { dx, dWeight } : { dx };
    },
    reference: (v) => {
      const { dx, dWeight } = backwardReference(rows, D, v.dy, v.x, v.weight, eps);
      const out = { dx: result([...leading, D], dx) };
      return weight ? { ...out, dWeight: result([D], dWeight) } : out;
    },
  });
}

/** Calls with eps out of range. */
function badEps(call: (eps: number) => unknown): OutOfRange[] {
  return [
    ["eps negative", () => call(-1e-5)],
    ["eps NaN", () => call(NaN)],
  ];
}

export const rmsNorm = defineOp("rmsNorm", {
  reference,
  cases: [
    ...lengths.map((D, i) => build((i % 4) + 1, D, { weight: i % 2 === 0 })),
    build(130, 24, { weight: true }),
    build(5, 48, { view: true }),
    build(5, 48, { view: true, weight: true }),
    build(1, 16, { eps: 0 }),
    build(3, 16, { eps: 1e-6, scale: 1e-3, note: ", so small that eps counts" }),
    build(2, 33, { eps: 0.5, weight: true }),
    build(2, 33, { scale: 1e15, note: ", large values" }),
    build(6, 20, { leading: [2, 3], note: ", three axes" }),
    build(3, 8, { weight: true, values: new Array<number>(8).fill(0), note: ", a row of zeros" }),
    build(4, 9, { weight: true, values: [1, NaN], note: ", NaN in one row" }),
    build(4, 9, { values: [1, Infinity], note: ", infinity in one row" }),
  ],
  benchmarks: [build(512, 768, { weight: true })],
  minimal: {
    args: { x: f32(B, L, D), weight: f32(D) },
    anyAxes: ["x"],
    call: (k, t) => [k.rmsNorm(t.x, t.weight, 1e-5)],
  },
  rows: {
    arguments: ["x"],
    many: [build(manyRows, 768, { weight: true }), build(manyRows, 517), build(manyRows, 48, { view: true })],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return badEps((eps) => kernel.rmsNorm(x, undefined, eps));
  },
});

export const rmsNormBackward = defineTrainingOp("rmsNormBackward", {
  reference: backwardReference,
  cases: [
    ...[3, 5, 17, 33, 129, 513, 2049].map((D, i) => backwardCase((i % 4) + 1, D, { weight: i % 2 === 0 })),
    // The norm of one feature is its sign: without eps the gradient is 0.
    backwardCase(3, 1, { weight: true, eps: 0.1 }),
    backwardCase(130, 24, { weight: true }),
    backwardCase(513, 5, { weight: true }),
    backwardCase(1500, 33, { weight: true, note: ", work for several threads" }),
    backwardCase(5, 48, { view: true }),
    backwardCase(5, 48, { view: true, weight: true }),
    backwardCase(1, 16, { eps: 0 }),
    backwardCase(3, 16, { eps: 1e-6, scale: 1e-3, note: ", so small that eps counts" }),
    backwardCase(2, 33, { eps: 0.5, weight: true }),
    backwardCase(2, 33, { scale: 1e15, note: ", large values" }),
    backwardCase(6, 20, { leading: [2, 3], weight: true, note: ", three axes" }),
    backwardCase(3, 8, { weight: true, values: new Array<number>(8).fill(0), note: ", a row of zeros" }),
    backwardCase(4, 9, { weight: true, values: [1, NaN], note: ", NaN in one row" }),
    backwardCase(4, 9, { values: [1, NaN], note: ", NaN in one row" }),
  ],
  minimal: {
    args: { dy: f32(B, L, D), x: f32(B, L, D), weight: f32(D) },
    call: (k, t) => {
      const { dx, dWeight } = k.rmsNormBackward(t.dy, t.x, t.weight, 1e-5);
      return dWeight ? [dx, dWeight] : [dx];
    },
  },
  batched: { arguments: ["dy", "x"], results: ["dx"] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return badEps((eps) => kernel.rmsNormBackward(x, x, undefined, eps));
  },
});
