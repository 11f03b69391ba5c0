import type { GeluApproximation } from "@mamba/kernel";
import { type Backward, backwardCases, fewUnaryCases, type Unary, unaryRows } from "../cases/elementwise.ts";
import type { OpCase } from "../case.ts";
import { erf, type Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, L } from "../opSuite.ts";

const forms: readonly GeluApproximation[] = ["none", "tanh"];
const root = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** "none": x (1 + erf(x / sqrt(2))) / 2; "tanh": x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) / 2 */
function reference(x: Values, approximate: GeluApproximation): Float64Array {
  return Float64Array.from(x, (v) =>
    approximate === "none"
      ? (v * (1 + erf(v / Math.SQRT2))) / 2
      : (v * (1 + Math.tanh(root * (v + cubic * v ** 3)))) / 2,
  );
}

/** The derivative, from Phi(x) + x phi(x) for "none". */
function slope(x: number, approximate: GeluApproximation): number {
  if (approximate === "none") {
    return (1 + erf(x / Math.SQRT2)) / 2 + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  }
  const t = Math.tanh(root * (x + cubic * x ** 3));
  return (1 + t) / 2 + (x / 2) * (1 - t * t) * root * (1 + 3 * cubic * x * x);
}

/** dy * gelu'(x) */
function backwardReference(dy: Values, x: Values, approximate: GeluApproximation): Float64Array {
  return Float64Array.from(dy, (gradient, i) => gradient * slope(x[i]!, approximate));
}

/** The cases of both forms, told apart by the end of their names. */
function both(make: (approximate: GeluApproximation) => readonly OpCase[]): OpCase[] {
  return forms.flatMap((approximate) =>
    make(approximate).map((item) => ({ ...item, name: `${item.name}, ${approximate}` })),
  );
}

const definition = (approximate: GeluApproximation): Unary => ({
  op: "gelu",
  run: (kernel, x) => kernel.gelu(x, approximate),
  reference: (x) => reference(x, approximate),
  flops: 8,
});

const backward = (approximate: GeluApproximation): Backward => ({
  op: "geluBackward",
  run: (kernel, dy, x) => kernel.geluBackward(dy, x, approximate),
  reference: (dy, x) => backwardReference(dy, x, approximate),
  flops: 14,
  draw: (random, count) => random.normals(count, 3),
});

const special = [0, NaN, 1e-8, -1e-8, 1e-3, -1e-3, 0.7, -0.75, 3, -3, 5.5, -5.5, 9, -9, 1000, -1000];

export const gelu = defineOp("gelu", {
  reference,
  cases: both((form) => fewUnaryCases(definition(form), [...special, Infinity])),
  rows: { arguments: ["x"], many: both((form) => unaryRows(definition(form)).many) },
  minimal: { args: { x: f32(B, L, D) }, anyAxes: ["x"], call: (k, t) => [k.gelu(t.x, "none")] },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return [["an unknown form", () => kernel.gelu(x, "erf" as GeluApproximation)]];
  },
});

export const geluBackward = defineTrainingOp("geluBackward", {
  reference: backwardReference,
  cases: both((form) => backwardCases(backward(form), special)),
  minimal: {
    args: { dy: f32(B, L, D), x: f32(B, L, D) },
    call: (k, t) => [k.geluBackward(t.dy, t.x, "tanh")],
  },
  outOfRange: (kernel, scope) => {
    const x = scope.use(kernel.zeros([2, 5], "f32"));
    return [["an unknown form", () => kernel.geluBackward(x, x, "erf" as GeluApproximation)]];
  },
});
