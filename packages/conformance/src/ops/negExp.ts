import { type Unary, unaryCases, unaryRows } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** -exp(x) */
function reference(x: Values): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = -Math.exp(x[i]!);
  return y;
}

const definition: Unary = { op: "negExp", run: (kernel, x) => kernel.negExp(x), reference, flops: 2 };

export const negExp = defineOp("negExp", {
  reference,
  cases: unaryCases(definition),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.negExp(t.x)] },
});
