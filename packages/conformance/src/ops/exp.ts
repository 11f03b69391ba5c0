import { type Unary, fewUnaryCases, unaryRows } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** e^x */
function reference(x: Values): Float64Array {
  return Float64Array.from(x, Math.exp);
}

const definition: Unary = {
  op: "exp",
  run: (kernel, x) => kernel.exp(x),
  reference,
  flops: 1,
};

export const exp = defineOp("exp", {
  reference,
  cases: fewUnaryCases(definition, [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    1e-8,
    -1e-8,
    88,
    -80,
    -104,
    100,
    1000,
    -1000,
  ]),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.exp(t.x)] },
});
