import { testCase, type Case, type Row } from "./cases.ts";
import { numbers } from "./floatCases.ts";

const f = Math.fround;
const tiny = 2 ** -149;

/** 64 numbers in [low, high), each with its exact result. */
function rows(low: number, high: number, exact: (a: number) => number): Row[] {
  const source = numbers(low + 3 * high);
  return Array.from({ length: 64 }, () => {
    const fraction = Math.abs(source.next().value) % 1 || 0.3;
    const a = f(low + (high - low) * fraction);
    return [a, exact(a)];
  });
}

/** The distance from a result to the next float above. */
const ulp = (value: number) => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(value))), -126) - 23);
const finite = (bound: (value: number) => number) => (value: number) =>
  Number.isFinite(value) && value !== 0 ? bound(value) : 0;
const relative = (bound: number) => finite((value) => Math.max(bound * Math.abs(value), tiny / 2));
const absolute = (bound: number) => finite(() => bound);
const ulps = (count: number) => finite((value) => count * ulp(value));

// prettier-ignore
/** Instructions whose last bits PTX leaves open, with the bounds of NVIDIA's "Parallel Thread Execution ISA", chapter 9.7.3. */
export const approximateCases: readonly Case[] = [
  testCase("rcp.approx.f32 %d, %a;", "f32 -> f32", [...rows(-9, 9, (a) => 1 / a), [Infinity, 0], [0.5, 2]], ulps(1)),
  testCase("rcp.approx.ftz.f32 %d, %a;", "f32 -> f32", [[tiny, Infinity], [2 ** 127, 0]], ulps(1)),
  testCase("sqrt.approx.f32 %d, %a;", "f32 -> f32", [...rows(0, 1e9, Math.sqrt), [4, 2], [-1, NaN]], relative(2 ** -23)),
  testCase("rsqrt.approx.f32 %d, %a;", "f32 -> f32", [...rows(0, 9, (a) => 1 / Math.sqrt(a)), [0, Infinity], [-1, NaN]], relative(2 ** -22.9)),
  testCase("ex2.approx.f32 %d, %a;", "f32 -> f32", [...rows(-120, 120, (a) => 2 ** a), [0, 1], [-150, 0], [-140, 2 ** -140], [-Infinity, 0], [200, Infinity]], relative(2 ** -22.5)),
  testCase("ex2.approx.ftz.f32 %d, %a;", "f32 -> f32", [...rows(-1, 1, (a) => 2 ** a), [-140, 0], [tiny, 1], [NaN, NaN]], relative(2 ** -22.5)),
  testCase("lg2.approx.f32 %d, %a;", "f32 -> f32", [...rows(0.51, 1.99, Math.log2), [0, -Infinity], [-1, NaN]], absolute(2 ** -22.6)),
  testCase("lg2.approx.f32 %d, %a;", "f32 -> f32", [...rows(2, 1e6, Math.log2), [tiny, -149]], relative(2 ** -22.6)),
  testCase("lg2.approx.ftz.f32 %d, %a;", "f32 -> f32", [[tiny, -Infinity]]),
  testCase("sin.approx.f32 %d, %a;", "f32 -> f32", [...rows(-3, 3, Math.sin), [-0, -0]], absolute(2 ** -20.9)),
  testCase("cos.approx.f32 %d, %a;", "f32 -> f32", rows(-3, 3, Math.cos), absolute(2 ** -20.9)),
  testCase("tanh.approx.f32 %d, %a;", "f32 -> f32", rows(-5, 5, Math.tanh), relative(2 ** -11)),
  testCase("div.full.f32 %d, %a, 0f40400000;", "f32 -> f32", rows(-9, 9, (a) => a / 3), ulps(2)),
  testCase("div.approx.f32 %d, %a, 0f40400000;", "f32 -> f32", rows(-9, 9, (a) => a / 3), ulps(2)),
  testCase("div.approx.f32 %d, %a, %b;", "f32 f32 -> f32", [[-1, 2 ** 127, -0], [Infinity, 2 ** 127, NaN], [1, Infinity, 0], [0, 5, 0]]),
  testCase("div.approx.ftz.f32 %d, %a, %b;", "f32 f32 -> f32", [[tiny, 3, 0]]),
];
