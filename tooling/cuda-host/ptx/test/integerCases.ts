import { testCase, type Case } from "./cases.ts";

const s32Low = -0x80000000n;
const s64Low = -(1n << 63n);
const all = 0xffffffffn;

/** Expected values are by the definitions in NVIDIA's "Parallel Thread Execution ISA", chapter 9.7. */
export const integerCases: readonly Case[] = [
  testCase("add.s32 %d, %a, %b;", "s32 s32 -> s32", [
    [1, 2, 3],
    [0x7fffffffn, 1, s32Low],
    [-5, 3, -2],
  ]),
  testCase("add.s16 %d, %a, %b;", "s16 s16 -> s16", [
    [0x7fffn, 1, -0x8000n],
    [-1, -1, -2],
  ]),
  testCase("add.u64 %d, %a, %b;", "u64 u64 -> u64", [[(1n << 64n) - 1n, 2, 1]]),
  testCase("add.s32 %d, %a, -7;", "s32 -> s32", [[3, -4]]),
  testCase("sub.s32 %d, %a, %b;", "s32 s32 -> s32", [[s32Low, 1, 0x7fffffffn]]),
  testCase("sub.s64 %d, %a, %b;", "s64 s64 -> s64", [[s64Low, 1, -1n - s64Low]]),
  testCase("mul.lo.s32 %d, %a, %b;", "s32 s32 -> s32", [
    [-3, 5, -15],
    [0x10000, 0x10000, 0],
  ]),
  testCase("mul.lo.s64 %d, %a, %b;", "s64 s64 -> s64", [
    [-3, 5, -15],
    [1n << 40n, 1n << 30n, 0],
  ]),
  testCase("mul.lo.s16 %d, %a, %b;", "s16 s16 -> s16", [[300, 300, 24464]]),
  testCase("mul.hi.u32 %d, %a, %b;", "u32 u32 -> u32", [[all, all, 0xfffffffen]]),
  testCase("mul.hi.s32 %d, %a, %b;", "s32 s32 -> s32", [
    [-1, 1, -1],
    [s32Low, s32Low, 1n << 30n],
  ]),
  testCase("mul.hi.u64 %d, %a, %b;", "u64 u64 -> u64", [
    [(1n << 64n) - 1n, (1n << 64n) - 1n, (1n << 64n) - 2n],
  ]),
  testCase("mul.hi.s64 %d, %a, %b;", "s64 s64 -> s64", [
    [-1, 1, -1],
    [s64Low, s64Low, 1n << 62n],
  ]),
  testCase("mul.wide.u32 %d, %a, %b;", "u32 u32 -> u64", [[all, all, all * all]]),
  testCase("mul.wide.s32 %d, %a, %b;", "s32 s32 -> s64", [[-1, all >> 1n, -(all >> 1n)]]),
  testCase("mul.wide.u32 %d, %a, -858993459;", "u32 -> u64", [[10, 10n * 3435973837n]]),
  testCase("mul.wide.s16 %d, %a, %b;", "s16 s16 -> s32", [[-300, 300, -90000]]),
  testCase("mul.wide.u16 %d, %a, %b;", "u16 u16 -> u32", [[65535, 65535, 4294836225n]]),
  testCase("mad.lo.s32 %d, %a, %b, %c;", "s32 s32 s32 -> s32", [[-3, 5, 7, -8]]),
  testCase("mad.hi.u32 %d, %a, %b, %c;", "u32 u32 u32 -> u32", [[all, all, 5, 3]]),
  testCase("mad.wide.u32 %d, %a, %b, %c;", "u32 u32 u64 -> u64", [
    [all, 2, 1n << 40n, 2n * all + (1n << 40n)],
  ]),
  testCase("mad.wide.s32 %d, %a, %b, %c;", "s32 s32 s64 -> s64", [[-4, 5, -1, -21]]),
  testCase("div.s32 %d, %a, %b;", "s32 s32 -> s32", [
    [-7, 2, -3],
    [7, -2, -3],
  ]),
  testCase("div.u32 %d, %a, %b;", "u32 u32 -> u32", [[all, 2, all >> 1n]]),
  testCase("rem.s32 %d, %a, %b;", "s32 s32 -> s32", [
    [-7, 2, -1],
    [7, -2, 1],
  ]),
  testCase("rem.u64 %d, %a, %b;", "u64 u64 -> u64", [[(1n << 64n) - 1n, 10, 5]]),
  testCase("abs.s32 %d, %a;", "s32 -> s32", [
    [-7, 7],
    [s32Low, s32Low],
  ]),
  testCase("neg.s64 %d, %a;", "s64 -> s64", [
    [7, -7],
    [s64Low, s64Low],
  ]),
  testCase("min.s32 %d, %a, %b;", "s32 s32 -> s32", [[-1, 1, -1]]),
  testCase("min.u32 %d, %a, %b;", "u32 u32 -> u32", [[all, 1, 1]]),
  testCase("max.s64 %d, %a, %b;", "s64 s64 -> s64", [[-1, 1, 1]]),
  testCase("max.u16 %d, %a, %b;", "u16 u16 -> u16", [[0xffff, 1, 0xffff]]),
  testCase("popc.b32 %d, %a;", "b32 -> u32", [
    [0, 0],
    [all, 32],
    [0x80000001n, 2],
  ]),
  testCase("popc.b64 %d, %a;", "b64 -> u32", [[(1n << 63n) | 1n, 2]]),
  testCase("clz.b32 %d, %a;", "b32 -> u32", [
    [0, 32],
    [1, 31],
    [all, 0],
  ]),
  testCase("clz.b64 %d, %a;", "b64 -> u32", [
    [0, 64],
    [1n << 40n, 23],
  ]),
  testCase("bfind.u32 %d, %a;", "u32 -> u32", [
    [0, all],
    [1, 0],
    [all, 31],
  ]),
  testCase("bfind.s32 %d, %a;", "s32 -> u32", [
    [-1, all],
    [-2, 0],
    [s32Low, 30],
    [5, 2],
  ]),
  testCase("bfind.shiftamt.u32 %d, %a;", "u32 -> u32", [
    [0, all],
    [1, 31],
    [0x40000000, 1],
  ]),
  testCase("bfind.u64 %d, %a;", "u64 -> u32", [
    [1n << 50n, 50],
    [0, all],
  ]),
  testCase("brev.b32 %d, %a;", "b32 -> b32", [
    [1, 0x80000000n],
    [0x0000ffff, 0xffff0000n],
  ]),
  testCase("brev.b64 %d, %a;", "b64 -> b64", [[3, 3n << 62n]]),
  testCase("bfe.u32 %d, %a, %b, %c;", "u32 u32 u32 -> u32", [
    [0xabcd1234n, 8, 12, 0xd12],
    [all, 28, 12, 0xf],
    [all, 0, 32, all],
    [all, 40, 4, 0],
    [all, 3, 0, 0],
  ]),
  testCase("bfe.s32 %d, %a, %b, %c;", "s32 u32 u32 -> s32", [
    [0xf0, 4, 4, -1],
    [0x70, 4, 4, 7],
    [-4, 31, 8, -1],
    [-4, 50, 8, -1],
    [-4, 0, 32, -4],
    [-4, 0, 0, 0],
  ]),
  testCase("bfe.u64 %d, %a, %b, %c;", "u64 u32 u32 -> u64", [[0xabcdn << 40n, 40, 8, 0xcd]]),
  testCase("bfi.b32 %d, %a, %b, 8, 12;", "b32 b32 -> b32", [[0xabc, all, 0xfffabcffn]]),
  testCase("bfi.b32 %d, %a, %b, %c, 40;", "b32 b32 u32 -> b32", [
    [0xabc, 0xff, 8, 0xabcff],
    [1, 7, 32, 7],
  ]),
  testCase("bfi.b64 %d, %a, %b, 32, 32;", "b64 b64 -> b64", [[0x12345678, 0x9abcdef0n, 0x123456789abcdef0n]]),
  testCase("shl.b32 %d, %a, %b;", "b32 u32 -> b32", [
    [1, 31, 0x80000000n],
    [1, 32, 0],
    [all, 4, 0xfffffff0n],
  ]),
  testCase("shl.b64 %d, %a, %b;", "b64 u32 -> b64", [
    [1, 63, 1n << 63n],
    [1, 64, 0],
  ]),
  testCase("shl.b16 %d, %a, %b;", "b16 u32 -> b16", [
    [0xff, 12, 0xf000],
    [1, 16, 0],
  ]),
  testCase("shr.u32 %d, %a, %b;", "u32 u32 -> u32", [
    [0x80000000n, 31, 1],
    [all, 32, 0],
  ]),
  testCase("shr.s32 %d, %a, %b;", "s32 u32 -> s32", [
    [-8, 1, -4],
    [-8, 99, -1],
    [8, 99, 0],
  ]),
  testCase("shr.u64 %d, %a, %b;", "u64 u32 -> u64", [[1n << 63n, 63, 1]]),
  testCase("shr.s64 %d, %a, %b;", "s64 u32 -> s64", [
    [s64Low, 63, -1],
    [s64Low, 64, -1],
  ]),
  testCase("shr.b16 %d, %a, %b;", "b16 u32 -> b16", [[0x8000, 15, 1]]),
  testCase("shr.s16 %d, %a, %b;", "s16 u32 -> s16", [
    [-2, 1, -1],
    [-2, 16, -1],
  ]),
  testCase("shf.l.wrap.b32 %d, %a, %b, %c;", "b32 b32 u32 -> b32", [
    [0x80000000n, 1, 1, 3],
    [5, 7, 32, 7],
  ]),
  testCase("shf.l.clamp.b32 %d, %a, %b, %c;", "b32 b32 u32 -> b32", [
    [5, 7, 33, 5],
    [0x80000000n, 1, 1, 3],
  ]),
  testCase("shf.r.wrap.b32 %d, %a, %b, %c;", "b32 b32 u32 -> b32", [
    [2, 1, 1, 0x80000001n],
    [5, 7, 32, 5],
  ]),
  testCase("shf.r.clamp.b32 %d, %a, %b, %c;", "b32 b32 u32 -> b32", [[5, 7, 32, 7]]),
  testCase("prmt.b32 %d, %a, %b, %c;", "b32 b32 b32 -> b32", [
    [0x03020100, 0x07060504, 0x7531, 0x07050301],
    [0x03020100, 0x07060504, 0x0123, 0x00010203],
    [0x80, 0x7f000000, 0xf8f8, 0x00ff00ff],
  ]),
  testCase("and.b32 %d, %a, %b;", "b32 b32 -> b32", [[0xff00ff00n, 0x0ff00ff0, 0x0f000f00]]),
  testCase("or.b64 %d, %a, %b;", "b64 b64 -> b64", [[1n << 63n, 1, (1n << 63n) | 1n]]),
  testCase("xor.b16 %d, %a, %b;", "b16 b16 -> b16", [[0xffff, 0x0ff0, 0xf00f]]),
  testCase("not.b32 %d, %a;", "b32 -> b32", [[0, all]]),
  testCase("not.b16 %d, %a;", "b16 -> b16", [[1, 0xfffe]]),
  testCase("and.pred %d, %a, %b;", "predicate predicate -> predicate", [
    [1, 1, 1],
    [1, 0, 0],
  ]),
  testCase("or.pred %d, %a, %b;", "predicate predicate -> predicate", [
    [0, 0, 0],
    [1, 0, 1],
  ]),
  testCase("xor.pred %d, %a, %b;", "predicate predicate -> predicate", [
    [1, 1, 0],
    [1, 0, 1],
  ]),
  testCase("not.pred %d, %a;", "predicate -> predicate", [
    [1, 0],
    [0, 1],
  ]),
  // 0x96 is a ^ b ^ c, 0xe8 the majority.
  testCase("lop3.b32 %d, %a, %b, %c, 0x96;", "b32 b32 b32 -> b32", [
    [0xff, 0xf0f, 0x333, 0xff ^ 0xf0f ^ 0x333],
  ]),
  testCase("lop3.b32 %d, %a, %b, %c, 0xe8;", "b32 b32 b32 -> b32", [[0xcc, 0xaa, 0xf0, 0xe8]]),
  testCase("mov.b32 %d, {%a, %b};", "b16 b16 -> b32", [[0x1234, 0xabcd, 0xabcd1234n]]),
  testCase("mov.b64 %d, {%a, %b};", "b32 b32 -> b64", [[1, 2, (2n << 32n) | 1n]]),
  testCase("mov.b32 {%d, %e}, %a;", "b32 -> b16 b16", [[0xabcd1234n, 0x1234, 0xabcd]]),
  testCase("mov.b64 {_, %d}, %a;", "b64 -> b32", [[(2n << 32n) | 1n, 2]]),
  testCase("mov.b32 %d, {0, %a};", "b16 -> f32", [[0x3f80, 1]]),
  testCase("mov.b32 %d, %a;", "f32 -> b32", [[1, 0x3f800000]]),
  testCase("mov.u32 %d, %ntid.x;", "b32 -> u32", [[0, 32]]),
  testCase(
    "mov.u32 %d, %laneid; mov.u32 %e, %lanemask_lt;",
    "b32 -> u32 u32",
    Array.from({ length: 32 }, (_, i) => [0, i, 2 ** i - 1]),
  ),
];
