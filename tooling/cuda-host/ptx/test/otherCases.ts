import { testCase, type Case } from "./cases.ts";

const all = 0xffffffffn;
const f = Math.fround;
/** [a, b] with whether a < b, a = b, a > b, and whether either is NaN. */
const pairs = [[1, 2], [2, 2], [3, 2], [NaN, 2], [2, NaN], [0, -0], [-Infinity, 1]] as const; // prettier-ignore

const holds: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a < b || a > b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  equ: (a, b) => !(a < b || a > b),
  neu: (a, b) => a !== b,
  ltu: (a, b) => !(a >= b),
  leu: (a, b) => !(a > b),
  gtu: (a, b) => !(a <= b),
  geu: (a, b) => !(a < b),
  num: (a, b) => a === a && b === b,
  nan: (a, b) => a !== a || b !== b,
};

const comparisons = Object.entries(holds).flatMap(([name, test]) =>
  ["f32", "f64"].map((type) =>
    testCase(
      `setp.${name}.${type} %d, %a, %b;`,
      `${type} ${type} -> predicate`,
      pairs.map(([a, b]) => [a, b, Number(test(a, b))]),
    ),
  ),
);

/** Expected values are by the definitions in NVIDIA's "Parallel Thread Execution ISA", chapter 9.7. */
export const otherCases: readonly Case[] = [
  ...comparisons,
  testCase("setp.lt.s32 %d, %a, %b;", "s32 s32 -> predicate", [
    [-1, 1, 1],
    [1, 1, 0],
  ]),
  testCase("setp.lt.u32 %d, %a, %b;", "u32 u32 -> predicate", [
    [all, 1, 0],
    [1, all, 1],
  ]),
  testCase("setp.gt.u32 %d, %a, -2147483648;", "u32 -> predicate", [
    [0x80000001n, 1],
    [0x80000000n, 0],
  ]),
  testCase("setp.le.s64 %d, %a, %b;", "s64 s64 -> predicate", [
    [-1, -1, 1],
    [1, -1, 0],
  ]),
  testCase("setp.ge.u64 %d, %a, %b;", "u64 u64 -> predicate", [[1n << 63n, 1, 1]]),
  testCase("setp.eq.b16 %d, %a, %b;", "b16 b16 -> predicate", [
    [7, 7, 1],
    [7, 8, 0],
  ]),
  testCase("setp.ne.s16 %d, %a, %b;", "s16 s16 -> predicate", [
    [-1, -1, 0],
    [-1, 1, 1],
  ]),
  testCase("setp.lt.and.s32 %d, %a, %b, %c;", "s32 s32 predicate -> predicate", [
    [1, 2, 1, 1],
    [1, 2, 0, 0],
    [2, 1, 1, 0],
  ]),
  testCase("setp.lt.or.s32 %d, %a, %b, !%c;", "s32 s32 predicate -> predicate", [
    [2, 1, 0, 1],
    [2, 1, 1, 0],
  ]),
  testCase("setp.lt.xor.s32 %d, %a, %b, %c;", "s32 s32 predicate -> predicate", [
    [1, 2, 1, 0],
    [1, 2, 0, 1],
  ]),
  testCase("setp.lt.and.s32 %d|%e, %a, %b, %c;", "s32 s32 predicate -> predicate predicate", [
    [1, 2, 1, 1, 0],
    [2, 1, 1, 0, 1],
    [2, 1, 0, 0, 0],
  ]),
  testCase("setp.eq.ftz.f32 %d, %a, 0f00000000;", "f32 -> predicate", [
    [2 ** -149, 1],
    [1, 0],
  ]),
  testCase("selp.b32 %d, %a, %b, %c;", "b32 b32 predicate -> b32", [
    [1, 2, 1, 1],
    [1, 2, 0, 2],
  ]),
  testCase("selp.f32 %d, %a, 0f40000000, %b;", "f32 predicate -> f32", [
    [1, 1, 1],
    [1, 0, 2],
  ]),
  testCase("selp.b64 %d, %a, %b, %c;", "b64 b64 predicate -> b64", [[1n << 40n, 2, 1, 1n << 40n]]),
  testCase("selp.b16 %d, 32767, %a, %b;", "b16 predicate -> b16", [[1, 1, 32767]]),
  testCase("mov.u32 %d, 7; @%a mov.u32 %d, 8;", "predicate -> u32", [
    [0, 7],
    [1, 8],
  ]),
  testCase("mov.u32 %d, 7; @!%a bra $L_end; mov.u32 %d, 8; $L_end:", "predicate -> u32", [
    [0, 7],
    [1, 8],
  ]),
  testCase(
    "mov.u32 %d, 0; $L_again: add.u32 %d, %d, %a; sub.u32 %a, %a, 1; setp.ne.u32 %p1, %a, 0; @%p1 bra.uni $L_again;",
    "u32 -> u32",
    [
      [4, 10],
      [1, 1],
    ],
  ),
  testCase(
    "{ .reg .b32 %d0; mov.b32 %d0, %a; { .reg .b32 %d0; mov.b32 %d0, 5; } mov.b32 %d, %d0; }",
    "b32 -> b32",
    [[3, 3]],
  ),

  testCase("cvt.u64.u32 %d, %a;", "u32 -> u64", [[all, all]]),
  testCase("cvt.s64.s32 %d, %a;", "s32 -> s64", [[-1, -1]]),
  testCase("cvt.u32.u64 %d, %a;", "u64 -> u32", [[(5n << 32n) | 7n, 7]]),
  testCase("cvt.s64.s8 %d, %a;", "b64 -> s64", [
    [0xff, -1],
    [0x17f, 127],
  ]),
  testCase("cvt.u16.u32 %d, %a;", "u32 -> u16", [[0x12345, 0x2345]]),
  testCase("cvt.s32.s16 %d, %a;", "s16 -> s32", [[-2, -2]]),
  testCase("cvt.u32.u8 %d, %a;", "b32 -> u32", [[0x1ff, 255]]),
  testCase("cvt.sat.s8.s32 %d, %a;", "s32 -> s32", [
    [200, 127],
    [-200, -128],
    [5, 5],
  ]),
  testCase("cvt.sat.u32.s32 %d, %a;", "s32 -> u32", [
    [-1, 0],
    [7, 7],
  ]),
  testCase("cvt.rn.f32.u32 %d, %a;", "u32 -> f32", [
    [all, 2 ** 32],
    [16777217, 16777216],
  ]),
  testCase("cvt.rn.f32.s32 %d, %a;", "s32 -> f32", [[-16777219, -16777220]]),
  testCase("cvt.rz.f32.u32 %d, %a;", "u32 -> f32", [[all, 2 ** 32 - 2 ** 8]]),
  testCase("cvt.rp.f32.s32 %d, %a;", "s32 -> f32", [[16777217, 16777218]]),
  testCase("cvt.rn.f32.u64 %d, %a;", "u64 -> f32", [[(1n << 64n) - 1n, 2 ** 64]]),
  testCase("cvt.rn.f64.s64 %d, %a;", "s64 -> f64", [[-(1n << 53n) - 1n, -(2 ** 53)]]),
  testCase("cvt.rzi.s32.f32 %d, %a;", "f32 -> s32", [
    [-2.9, -2],
    [3e9, 0x7fffffffn],
    [-3e9, -0x80000000n],
    [NaN, 0],
    [2 ** 31, 0x7fffffffn],
  ]),
  testCase("cvt.rzi.u32.f32 %d, %a;", "f32 -> u32", [
    [2.9, 2],
    [-1, 0],
    [5e9, all],
    [NaN, 0],
    [4294967040, 4294967040],
  ]),
  testCase("cvt.rni.s32.f32 %d, %a;", "f32 -> s32", [
    [2.5, 2],
    [3.5, 4],
    [-2.5, -2],
  ]),
  testCase("cvt.rmi.s32.f32 %d, %a;", "f32 -> s32", [[-2.1, -3]]),
  testCase("cvt.rpi.s32.f32 %d, %a;", "f32 -> s32", [[2.1, 3]]),
  testCase("cvt.rzi.s64.f32 %d, %a;", "f32 -> s64", [
    [2 ** 63, (1n << 63n) - 1n],
    [NaN, -(1n << 63n)],
    [-5.5, -5],
  ]),
  testCase("cvt.rzi.u64.f64 %d, %a;", "f64 -> u64", [
    [2 ** 64, (1n << 64n) - 1n],
    [1e15 + 0.5, 1000000000000000n],
  ]),
  testCase("cvt.rzi.s16.f32 %d, %a;", "f32 -> s16", [
    [1e6, 32767],
    [-1e6, -32768],
  ]),
  testCase("cvt.rni.f32.f32 %d, %a;", "f32 -> f32", [
    [2.5, 2],
    [-0.4, -0],
    [1e30, f(1e30)],
  ]),
  testCase("cvt.rzi.f32.f32 %d, %a;", "f32 -> f32", [[-2.9, -2]]),
  testCase("cvt.rmi.f32.f32 %d, %a;", "f32 -> f32", [[-2.1, -3]]),
  testCase("cvt.rpi.f32.f32 %d, %a;", "f32 -> f32", [[-0.5, -0]]),
  testCase("cvt.rpi.f64.f64 %d, %a;", "f64 -> f64", [[2.1, 3]]),
  testCase("cvt.sat.f32.f32 %d, %a;", "f32 -> f32", [
    [-1, 0],
    [0.25, 0.25],
    [7, 1],
    [NaN, 0],
    [-0, 0],
  ]),
  testCase("cvt.ftz.f32.f32 %d, %a;", "f32 -> f32", [[-(2 ** -140), -0]]),
  testCase("cvt.f64.f32 %d, %a;", "f32 -> f64", [[f(0.1), f(0.1)]]),
  testCase("cvt.rn.f32.f64 %d, %a;", "f64 -> f32", [
    [0.1, f(0.1)],
    [1e300, Infinity],
  ]),
  testCase("cvt.rz.f32.f64 %d, %a;", "f64 -> f32", [
    [1 - 2 ** -30, 1 - 2 ** -24],
    [-1e300, -(2 ** 128 - 2 ** 104)],
  ]),
  testCase("cvt.f32.f16 %d, %a;", "b16 -> f32", [
    [0x3c00, 1], [0xc000, -2], [0x7bff, 65504], [0x0001, 2 ** -24], [0x83ff, -1023 * 2 ** -24], [0x7c00, Infinity], [0x7e00, NaN], [0x8000, -0],
  ]), // prettier-ignore
  testCase("cvt.rn.f16.f32 %d, %a;", "f32 -> b16", [
    [1, 0x3c00], [65504, 0x7bff], [65519, 0x7bff], [65520, 0x7c00], [-65520, 0xfc00], [2 ** -24, 1], [2 ** -25, 0],
    [3 * 2 ** -25, 2], [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [2 ** -14 - 2 ** -26, 0x0400], [-0, 0x8000], [Infinity, 0x7c00],
    [1 - 2 ** -12, 0x3c00],
  ]), // prettier-ignore
];
