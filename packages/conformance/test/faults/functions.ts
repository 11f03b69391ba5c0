import { gelu, geluBackward } from "../referenceOps.ts";
import { type Fault, fault } from "./fault.ts";

type Function = "exp" | "log" | "sqrt" | "tanh" | "sigmoid";

/** A wrong function of each element. */
const each = (op: Function, name: string, f: (x: number) => number, seenBy?: RegExp): Fault =>
  fault(op, `${op}: ${name}`, (arena, _, x) => arena.result(x.shape, x.values().map(f)), seenBy);

/** A wrong derivative of each element. */
const slope = (op: "tanhBackward" | "sigmoidBackward", name: string, f: (y: number) => number): Fault =>
  fault(op, `${op}: ${name}`, (arena, _, dy, y) => {
    const values = y.values();
    return arena.result(
      y.shape,
      dy.values().map((gradient, i) => gradient * f(values[i] ?? NaN)),
    );
  });

const accuracy = (what: string): RegExp => new RegExp(`^laws: accuracy of ${what}`);

/** erf by formula 7.1.26 of Abramowitz and Stegun, whose error is 1.5e-7 and does not vanish at 0. */
function roughErf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const polynomial =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - polynomial * Math.exp(-x * x));
}

export const functionFaults: Fault[] = [
  each("exp", "limits its argument at 88", (x) => Math.exp(Math.min(x, 88))),
  each("exp", "of NaN is a number", (x) => (Number.isNaN(x) ? 1 : Math.exp(x))),
  each("log", "of the magnitude", (x) => Math.log(Math.abs(x))),
  each("log", "of 1 + x", (x) => Math.log1p(x)),
  each("sqrt", "of a negative number is 0", (x) => Math.sqrt(Math.max(x, 0))),
  each("tanh", "by exponentials, which cancel near 0", naiveTanh, accuracy("tanh")),
  each("tanh", "by exponentials that overflow", (x) => {
    const e = Math.fround(Math.exp(2 * x));
    return (e - 1) / (e + 1);
  }),
  each(
    "sigmoid",
    "by tanh, which loses small results",
    (x) => 0.5 + Math.fround(Math.tanh(x / 2)) / 2,
    accuracy("sigmoid"),
  ),
  each("sigmoid", "hides NaN", (x) => (Number.isNaN(x) ? 0.5 : 1 / (1 + Math.exp(-x)))),
  slope("tanhBackward", "of x in place of y", (x) => 1 - Math.tanh(x) ** 2),
  slope("sigmoidBackward", "without 1 - y", (y) => y),
  fault(
    "gelu",
    "gelu: the form is always tanh",
    (arena, sizes, x) => gelu(arena, sizes, x, "tanh"),
    accuracy("gelu, none"),
  ),
  fault("gelu", "gelu: x * sigmoid(1.702 x)", (arena, _, x) =>
    arena.result(
      x.shape,
      x.values().map((v) => v / (1 + Math.exp(-1.702 * v))),
    ),
  ),
  fault(
    "gelu",
    "gelu: an erf that is good for three digits",
    (arena, _, x) =>
      arena.result(
        x.shape,
        x.values().map((v) => (v * (1 + 1.0001 * roughErf(v / Math.SQRT2))) / 2),
      ),
    accuracy("gelu, none"),
  ),
  fault("geluBackward", "gelu backward: the form is always exact", (arena, sizes, dy, x) =>
    geluBackward(arena, sizes, dy, x, "none"),
  ),
];

function naiveTanh(x: number): number {
  const e = Math.fround(Math.exp(-2 * Math.abs(x)));
  return (Math.sign(x) * Math.fround(1 - e)) / Math.fround(1 + e);
}
