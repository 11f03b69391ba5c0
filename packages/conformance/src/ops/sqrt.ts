import { type Unary, fewUnaryCases, unaryRows } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** sqrt(x) */
function reference(x: Values): Float64Array {
  return Float64Array.from(x, Math.sqrt);
}

const definition: Unary = {
  op: "sqrt",
  run: (kernel, x) => kernel.sqrt(x),
  reference,
  flops: 1,
  draw: (random, count) => random.normals(count, 3).map(Math.exp),
};

export const sqrt = defineOp("sqrt", {
  reference,
  cases: fewUnaryCases(definition, [1, NaN, Infinity, 0, -1, -Infinity, 1e-30, 1e30, 4, 2]),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.sqrt(t.x)] },
});
