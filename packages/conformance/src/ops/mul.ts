import { type Binary, binaryCases, binaryRows, broadcastCases } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** a * b, elementwise; b is repeated when it is shorter */
function reference(a: Values, b: Values): Float64Array {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i]! * b[i % b.length]!;
  return y;
}

const definition: Binary = { op: "mul", run: (kernel, a, b) => kernel.mul(a, b), reference, flops: 1 };

export const mul = defineOp("mul", {
  reference,
  cases: [...binaryCases(definition), ...broadcastCases(definition)],
  rows: binaryRows(definition),
  minimal: { args: { a: f32(B, L, D), b: f32(B, L, D) }, anyAxes: ["a"], call: (k, t) => [k.mul(t.a, t.b)] },
});
