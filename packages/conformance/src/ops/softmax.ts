import { defineCase, floats, type OpCase } from "../case.ts";
import { type Backward, backwardCases } from "../cases/elementwise.ts";
import { asView, bytesOf, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** y = exp(x - max(x)) / sum(exp(x - max(x))) over the last axis of x [rows, D] */
function reference(rows: number, features: number, x: Values): Float64Array {
  const y = new Float64Array(rows * features);
  for (let r = 0; r < rows; r++) {
    let largest = -Infinity;
    for (let d = 0; d < features; d++) largest = Math.max(largest, x[r * features + d]!);
    let sum = 0;
    for (let d = 0; d < features; d++) sum += Math.exp(x[r * features + d]! - largest);
    for (let d = 0; d < features; d++) {
      y[r * features + d] = Math.exp(x[r * features + d]! - largest) / sum;
    }
  }
  return y;
}

/** dx = y * (dy - sum(dy * y)) over the last axis of y [rows, D] */
function backwardReference(rows: number, features: number, dy: Values, y: Values): Float64Array {
  const dx = new Float64Array(rows * features);
  for (let r = 0; r < rows; r++) {
    let dot = 0;
    for (let d = 0; d < features; d++) dot += dy[r * features + d]! * y[r * features + d]!;
    for (let i = r * features; i < (r + 1) * features; i++) dx[i] = y[i]! * (dy[i]! - dot);
  }
  return dx;
}

interface Options {
  view?: boolean;
  scale?: number;
  leading?: readonly number[];
  note?: string;
  /** Overwrite the first elements. */
  values?: readonly number[];
}

function build(rows: number, D: number, options: Options = {}): OpCase {
  const { view = false, scale = 3, leading = [rows], note = "", values = [] } = options;
  const label = `rows ${rows} D${D}${view ? " of a view" : ""}${note}`;
  const count = rows * D;
  return defineCase({
    op: "softmax",
    label,
    sizes: { rows, D },
    cost: { flops: 5 * count, bytes: bytesOf(2 * count) },
    inputs: () => {
      const random = new Random(`softmax ${label}`);
      const x = floats(withValues(random.normals(count, scale), values), [...leading, D]);
      return { x: view ? asView(x) : x };
    },
    run: (kernel, t) => ({ y: kernel.softmax(t.x) }),
    reference: (v) => ({ y: result([...leading, D], reference(rows, D, v.x)) }),
  });
}

const backward: Backward = {
  op: "softmaxBackward",
  run: (kernel, dy, y) => kernel.softmaxBackward(dy, y),
  reference: (dy, y, features) => backwardReference(dy.length / features, features, dy, y),
  flops: 4,
  draw: (random, count) => random.uniforms(count, 0, 1),
};

export const softmax = defineOp("softmax", {
  reference,
  cases: [
    build(5, 7),
    build(6, 33, { view: true, leading: [2, 3], note: ", three axes" }),
    build(67, 1),
    build(2, 2049, { view: true }),
    build(3, 33, { scale: 1e4, note: ", extreme values" }),
    build(4, 5, { values: [-Infinity, 1, 1e30, 2, -1e30, 3, -Infinity], note: ", -infinity in two rows" }),
    build(4, 3, {
      values: [-Infinity, -Infinity, -Infinity, 1, NaN, 2, Infinity, 1, 2],
      note: ", rows of -infinity, with NaN and with infinity",
    }),
  ],
  rows: { arguments: ["x"], many: [build(manyRows, 517), build(manyRows, 10)] },
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.softmax(t.x)] },
});

export const softmaxBackward = defineTrainingOp("softmaxBackward", {
  reference: backwardReference,
  cases: backwardCases(backward, [0, 1, 0.5]),
  minimal: {
    args: { dy: f32(B, L, D), y: f32(B, L, D) },
    call: (k, t) => [k.softmaxBackward(t.dy, t.y)],
  },
  batched: { arguments: ["dy", "other"] },
});
