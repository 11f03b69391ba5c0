import { testCase, type Case, type Row } from "./cases.ts";
import { exactly, exactProduct, toFloat32, type Direction } from "./exact.ts";

const f = Math.fround;
const tiny = 2 ** -149;
const smallest = 2 ** -126;
const largest = 2 ** 128 - 2 ** 104;
const next = 1 + 2 ** -23;

/** Numbers of every size, from a fixed seed. */
export function* numbers(seed: number): Generator<number, never> {
  const word = new DataView(new ArrayBuffer(4));
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    word.setUint32(0, mixed);
    const value = word.getFloat32(0);
    if (Number.isFinite(value)) yield value;
  }
}

/** Rows of one operation whose exact result is known; sums near cancellation and products near the subnormals too. */
function rounded(
  count: number,
  direction: Direction,
  exact: (a: number, b: number, c: number) => bigint,
): Row[] {
  const source = numbers(count + direction.charCodeAt(1));
  const rows: Row[] = [];
  for (let i = 0; rows.length < 96; i++) {
    const [a, b] = [source.next().value, source.next().value];
    const kind = i % 4;
    const scaled =
      kind === 0 ? b : kind === 1 ? f(1 / a) : kind === 2 ? f(a * -(1 + 2 ** -20)) : f(b * 2 ** -60);
    const c = kind === 3 ? f(-a * scaled) : source.next().value;
    const inputs = [a, scaled, c].slice(0, count);
    if (!inputs.every(Number.isFinite)) continue;
    const result = exact(a, scaled, c);
    if (result !== 0n) rows.push([...inputs, toFloat32(result, direction)]);
  }
  return rows;
}

const directions: readonly Direction[] = ["rn", "rz", "rm", "rp"];

/** Expected values are by the definitions in NVIDIA's "Parallel Thread Execution ISA", chapter 9.7. */
export const floatCases: readonly Case[] = [
  ...directions.flatMap((r) => [
    testCase(
      `add.${r}.f32 %d, %a, %b;`,
      "f32 f32 -> f32",
      rounded(2, r, (a, b) => exactly(a) + exactly(b)),
    ),
    testCase(
      `sub.${r}.f32 %d, %a, %b;`,
      "f32 f32 -> f32",
      rounded(2, r, (a, b) => exactly(a) - exactly(b)),
    ),
    testCase(`mul.${r}.f32 %d, %a, %b;`, "f32 f32 -> f32", rounded(2, r, exactProduct)),
    testCase(
      `fma.${r}.f32 %d, %a, %b, %c;`,
      "f32 f32 f32 -> f32",
      rounded(3, r, (a, b, c) => exactProduct(a, b) + exactly(c)),
    ),
  ]),
  testCase("add.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [1, 2 ** -24, 1],
    [NaN, 1, NaN],
    [Infinity, -Infinity, NaN],
    [-0, 0, 0],
  ]),
  testCase("add.rm.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [1, -1, -0],
    [0, 0, 0],
    [-0, -0, -0],
    [Infinity, 1, Infinity],
  ]),
  testCase("fma.rm.f32 %d, %a, %b, %c;", "f32 f32 f32 -> f32", [
    [largest, 2, 1, largest],
    [tiny, -0.5, 0, -tiny],
    [1, NaN, 1, NaN],
  ]),
  testCase("add.f32 %d, %a, 0f3F800000;", "f32 -> f32", [[1, 2]]),
  testCase("add.ftz.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [tiny, 1, 1],
    [tiny, -0, 0],
    [-tiny, -0, -0],
    [smallest, -1.5 * smallest, -0],
  ]),
  testCase("mul.ftz.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [smallest, 0.5, 0],
    [smallest, 1, smallest],
    [tiny, 2 ** 30, 0],
  ]),
  testCase("mul.sat.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [2, 3, 1],
    [-2, 3, 0],
    [0.5, 0.5, 0.25],
    [NaN, 1, 0],
  ]),
  testCase("fma.rn.f64 %d, %a, %b, %c;", "f64 f64 f64 -> f64", [
    [1 + 2 ** -52, 1 - 2 ** -52, -1, -(2 ** -104)],
  ]),
  testCase("add.f64 %d, %a, %b;", "f64 f64 -> f64", [[0.1, 0.2, 0.1 + 0.2]]),
  testCase("sub.rn.f64 %d, %a, %b;", "f64 f64 -> f64", [[0.1, 0.2, 0.1 - 0.2]]),
  testCase("mul.f64 %d, %a, %b;", "f64 f64 -> f64", [[0.1, 0.2, 0.1 * 0.2]]),
  testCase("div.rn.f64 %d, %a, %b;", "f64 f64 -> f64", [[1, 3, 1 / 3]]),
  testCase("div.rn.f64 %d, %a, 0d4008000000000000;", "f64 -> f64", [[1, 1 / 3]]),
  testCase("sqrt.rn.f64 %d, %a;", "f64 -> f64", [[2, Math.SQRT2]]),
  testCase("div.rn.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [1, 3, f(1 / 3)],
    [1, 0, Infinity],
    [0, 0, NaN],
    [smallest, 4, smallest / 4],
  ]),
  testCase("rcp.rn.f64 %d, %a;", "f64 -> f64", [[3, 1 / 3]]),
  testCase("rcp.rn.f32 %d, %a;", "f32 -> f32", [
    [3, f(1 / 3)],
    [-0, -Infinity],
  ]),
  testCase("sqrt.rn.f32 %d, %a;", "f32 -> f32", [
    [2, f(Math.SQRT2)],
    [-1, NaN],
    [-0, -0],
  ]),
  testCase("neg.f32 %d, %a;", "f32 -> f32", [
    [1, -1],
    [0, -0],
  ]),
  testCase("neg.ftz.f32 %d, %a;", "f32 -> f32", [[tiny, -0]]),
  testCase("abs.f32 %d, %a;", "f32 -> f32", [
    [-1, 1],
    [-0, 0],
  ]),
  testCase("abs.f64 %d, %a;", "f64 -> f64", [[-1, 1]]),
  testCase("copysign.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [-0, 3, -3],
    [1, -3, 3],
  ]),
  testCase("min.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [1, 2, 1],
    [NaN, 2, 2],
    [2, NaN, 2],
    [0, -0, -0],
    [-0, 0, -0],
    [NaN, NaN, NaN],
  ]),
  testCase("max.f32 %d, %a, %b;", "f32 f32 -> f32", [
    [1, 2, 2],
    [NaN, 2, 2],
    [2, NaN, 2],
    [0, -0, 0],
    [-0, 0, 0],
  ]),
  testCase("max.ftz.f32 %d, %a, %b;", "f32 f32 -> f32", [[tiny, -1, 0]]),
  testCase("min.f64 %d, %a, %b;", "f64 f64 -> f64", [
    [1, NaN, 1],
    [-0, 0, -0],
  ]),
  testCase("mad.rn.f32 %d, %a, %b, %c;", "f32 f32 f32 -> f32", [[next, next, -1, f(2 ** -22 + 2 ** -46)]]),
];
