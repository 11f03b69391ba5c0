import { type Unary, unaryCases, unaryRows } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** x * factor */
function reference(x: Values, factor: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < y.length; i++) y[i] = x[i]! * factor;
  return y;
}

const factor = Math.fround(-1.7);

const definition: Unary = {
  op: "scale",
  run: (kernel, x) => kernel.scale(x, factor),
  reference: (x) => reference(x, factor),
  flops: 1,
};

export const scale = defineOp("scale", {
  reference,
  cases: unaryCases(definition),
  rows: unaryRows(definition),
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.scale(t.x, 2)] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return [
      ["factor NaN", () => kernel.scale(x, NaN)],
      ["factor infinite", () => kernel.scale(x, Infinity)],
    ];
  },
});
