import {
  type Backward,
  backwardCases,
  fewUnaryCases,
  sShapeValues,
  type Unary,
  unaryRows,
} from "../cases/elementwise.ts";
import { type Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L } from "../opSuite.ts";

/** tanh(x) */
function reference(x: Values): Float64Array {
  return Float64Array.from(x, Math.tanh);
}

/** dy * (1 - y²), with y = tanh(x) */
function backwardReference(dy: Values, y: Values): Float64Array {
  return Float64Array.from(dy, (gradient, i) => gradient * (1 - y[i]! ** 2));
}

const definition: Unary = { op: "tanh", run: (kernel, x) => kernel.tanh(x), reference, flops: 1 };

const backward: Backward = {
  op: "tanhBackward",
  run: (kernel, dy, y) => kernel.tanhBackward(dy, y),
  reference: backwardReference,
  flops: 3,
  draw: (random, count) => random.uniforms(count, -1, 1),
};

export const tanh = defineOp("tanh", {
  reference,
  cases: fewUnaryCases(definition, sShapeValues),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.tanh(t.x)] },
});

export const tanhBackward = defineTrainingOp("tanhBackward", {
  reference: backwardReference,
  cases: backwardCases(backward, [0, -0, 1, -1, NaN, 1e-8, 0.5]),
  minimal: { args: { dy: f32(B, L, D), y: f32(B, L, D) }, call: (k, t) => [k.tanhBackward(t.dy, t.y)] },
});
