import { type Binary, binaryCase, binaryCases, binaryRows, broadcastCases } from "../cases/elementwise.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L } from "../opSuite.ts";

/** a + b, elementwise; b is repeated when it is shorter */
function reference(a: Values, b: Values): Float64Array {
  const y = new Float64Array(a.length);
  for (let i = 0; i < y.length; i++) y[i] = a[i]! + b[i % b.length]!;
  return y;
}

const definition: Binary = { op: "add", run: (kernel, a, b) => kernel.add(a, b), reference, flops: 1 };

export const add = defineOp("add", {
  reference,
  cases: [...binaryCases(definition), ...broadcastCases(definition)],
  benchmarks: [binaryCase(definition, "[512,768]", [512, 768], [])],
  rows: binaryRows(definition),
  minimal: { args: { a: f32(B, L, D), b: f32(B, L, D) }, anyAxes: ["a"], call: (k, t) => [k.add(t.a, t.b)] },
});
