import {
  type Backward,
  backwardCases,
  fewUnaryCases,
  sShapeValues,
  type Unary,
  unaryRows,
} from "../cases/elementwise.ts";
import { sigmoid as sigmoidOf, type Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L } from "../opSuite.ts";

/** 1 / (1 + exp(-x)) */
function reference(x: Values): Float64Array {
  return Float64Array.from(x, sigmoidOf);
}

/** dy * y * (1 - y), with y = sigmoid(x) */
function backwardReference(dy: Values, y: Values): Float64Array {
  return Float64Array.from(dy, (gradient, i) => gradient * y[i]! * (1 - y[i]!));
}

const definition: Unary = { op: "sigmoid", run: (kernel, x) => kernel.sigmoid(x), reference, flops: 4 };

const backward: Backward = {
  op: "sigmoidBackward",
  run: (kernel, dy, y) => kernel.sigmoidBackward(dy, y),
  reference: backwardReference,
  flops: 3,
  draw: (random, count) => random.uniforms(count, 0, 1),
};

export const sigmoid = defineOp("sigmoid", {
  reference,
  cases: fewUnaryCases(definition, sShapeValues),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.sigmoid(t.x)] },
});

export const sigmoidBackward = defineTrainingOp("sigmoidBackward", {
  reference: backwardReference,
  cases: backwardCases(backward, [0, -0, 1, 0, NaN, 1e-8, 0.5]),
  minimal: { args: { dy: f32(B, L, D), y: f32(B, L, D) }, call: (k, t) => [k.sigmoidBackward(t.dy, t.y)] },
});
