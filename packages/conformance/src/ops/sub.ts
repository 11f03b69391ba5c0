import { type Binary, binaryRows, fewBinaryCases } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** a - b, elementwise; b is repeated when it is shorter */
function reference(a: Values, b: Values): Float64Array {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i]! - b[i % b.length]!;
  return y;
}

const definition: Binary = { op: "sub", run: (kernel, a, b) => kernel.sub(a, b), reference, flops: 1 };

export const sub = defineOp("sub", {
  reference,
  cases: fewBinaryCases(definition, [NaN, Infinity, -0, 0, 1e-40, -1e-40, 1e30, -1000], []),
  rows: binaryRows(definition),
  minimal: {
    args: { a: f32(B, L, D), b: f32(B, L, D) },
    anyAxes: ["a"],
    call: (k, t) => [k.sub(t.a, t.b)],
  },
});
