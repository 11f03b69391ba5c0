import { type Backward, backwardCases, fewUnaryCases, type Unary, unaryRows } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L } from "../opSuite.ts";

/** max(x, 0)² */
function reference(x: Values): Float64Array {
  return Float64Array.from(x, (v) => Math.max(v, 0) ** 2);
}

/** dy * 2 max(x, 0) */
function backwardReference(dy: Values, x: Values): Float64Array {
  return Float64Array.from(dy, (gradient, i) => gradient * 2 * Math.max(x[i]!, 0));
}

const special = [NaN, 0, -0, Infinity, -Infinity, 1e-30, -1e-30, 1e15, -1e15, 1e-3, -1e-3, 3, -3];

const definition: Unary = {
  op: "reluSquared",
  run: (kernel, x) => kernel.reluSquared(x),
  reference,
  flops: 2,
};

const backward: Backward = {
  op: "reluSquaredBackward",
  run: (kernel, dy, x) => kernel.reluSquaredBackward(dy, x),
  reference: backwardReference,
  flops: 3,
  draw: (random, count) => random.normals(count, 3),
};

export const reluSquared = defineOp("reluSquared", {
  reference,
  cases: fewUnaryCases(definition, special),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.reluSquared(t.x)] },
});

export const reluSquaredBackward = defineTrainingOp("reluSquaredBackward", {
  reference: backwardReference,
  cases: backwardCases(backward, special),
  minimal: {
    args: { dy: f32(B, L, D), x: f32(B, L, D) },
    call: (k, t) => [k.reluSquaredBackward(t.dy, t.x)],
  },
});
