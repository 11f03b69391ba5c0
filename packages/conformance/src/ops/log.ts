import { type Unary, fewUnaryCases, unaryRows } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** ln(x) */
function reference(x: Values): Float64Array {
  return Float64Array.from(x, Math.log);
}

const definition: Unary = {
  op: "log",
  run: (kernel, x) => kernel.log(x),
  reference,
  flops: 1,
  draw: (random, count) => random.normals(count, 3).map(Math.exp),
};

export const log = defineOp("log", {
  reference,
  cases: fewUnaryCases(definition, [1, NaN, Infinity, 0, -0, -1, -Infinity, 1e-30, 1e30, 2, 1.001, 0.999]),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.log(t.x)] },
});
