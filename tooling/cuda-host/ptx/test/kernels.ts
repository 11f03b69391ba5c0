// Handwritten GPU kernels with one or two warps, for instructions that need several threads or memory. Each writes one word per
// thread.

/** @param lines declarations and instructions that compute %d from %a, the thread's input, and %thread */
function kernel(name: string, lines: string): string {
  return `
.visible .entry ${name}(.param .u64 ${name}_param_0, .param .u64 ${name}_param_1)
{
  .reg .b64 %in, %out, %wide, %rd<8>;
  .reg .b32 %thread, %a, %d, %r<8>;
  .reg .f32 %f<8>;
  .reg .pred %p<8>;
  .shared .align 4 .b8 ${name}_first[256];
  .shared .align 16 .b8 ${name}_second[64];
  .local .align 16 .b8 ${name}_local[32];
  ld.param.u64 %in, [${name}_param_0];
  ld.param.u64 %out, [${name}_param_1];
  mov.u32 %thread, %tid.x;
  mul.wide.u32 %wide, %thread, 8;
  add.s64 %in, %in, %wide;
  add.s64 %out, %out, %wide;
  ld.global.u32 %a, [%in];
  ${lines.trim().replaceAll("NAME", name)}
  st.global.u32 [%out], %d;
  st.global.u32 [%out+4], 0;
  ret;
}
`;
}

const store =
  "shl.b32 %r1, %thread, 2; mov.u32 %r2, NAME_first; add.s32 %r1, %r1, %r2; st.shared.u32 [%r1], %a;";

/** Loads to %d the word that the thread with index %r3 stored. */
const loadOther = "shl.b32 %r3, %r3, 2; add.s32 %r3, %r3, %r2; ld.shared.u32 %d, [%r3];";

export interface KernelCase {
  readonly title: string;
  readonly ptx: string;
  /** The result of a thread whose input is 100 times its index, or the stand-in's report. */
  readonly expected: ((thread: number) => number) | RegExp;
}

const list: readonly (readonly [title: string, expected: KernelCase["expected"], lines: string])[] = [
  ["shfl.sync.idx reads a lane", (i) => 100 * ((i & 32) + 5), "shfl.sync.idx.b32 %d|%p1, %a, 5, 31, -1;"],
  ["shfl.sync.idx wraps around in its group", (i) => 100 * ((i & ~7) + 3), "shfl.sync.idx.b32 %d, %a, 11, 0x181f, -1;"],
  ["shfl.sync.bfly exchanges", (i) => 100 * (i ^ 9), "mov.b32 %r1, 9; shfl.sync.bfly.b32 %d|%p1, %a, %r1, 31, -1;"],
  ["shfl.sync.down says which lanes had a source", (i) => ((i & 31) < 29 ? 100 * (i + 3) : 7), "shfl.sync.down.b32 %r1|%p1, %a, 3, 31, -1; selp.b32 %d, %r1, 7, %p1;"],
  ["shfl.sync.up keeps the own value without a source", (i) => 100 * (i % 8 < 2 ? i : i - 2), "shfl.sync.up.b32 %d|%p1, %a, 2, 0x1800, -1;"],
  ["shfl.sync moves the bits of a float", (i) => i & 32, "cvt.rn.f32.u32 %f1, %thread; shfl.sync.idx.b32 %f2, %f1, 0, 31, -1; cvt.rzi.u32.f32 %d, %f2;"],
  ["vote.sync.ballot", () => 0x0f0f0f0f, "and.b32 %r1, %thread, 4; setp.eq.s32 %p1, %r1, 0; vote.sync.ballot.b32 %d, %p1, -1;"],
  ["vote.sync.any and all", () => 1, "and.b32 %r1, %thread, 31; setp.eq.s32 %p1, %r1, 9; vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, %p1, -1; not.pred %p3, %p3; and.pred %p2, %p2, %p3; selp.b32 %d, 1, 0, %p2;"],
  ["bar.sync makes shared stores visible", (i) => 100 * (63 - i), `${store} bar.sync 0; mov.u32 %r3, 63; sub.s32 %r3, %r3, %thread; ${loadOther}`],
  ["without bar.sync, threads that run first read NaN", (i) => (i < 32 ? 0xffffffff : 100 * (63 - i)), `${store} mov.u32 %r3, 63; sub.s32 %r3, %r3, %thread; ${loadOther}`],
  ["barrier.sync.aligned, fences", (i) => 100 * (i ^ 32), `${store} membar.gl; fence.acq_rel.gpu; barrier.sync.aligned 0; xor.b32 %r3, %thread, 32; ${loadOther}`],
  ["exit ends a thread", (i) => (i < 5 ? 7 : 8), "st.global.u32 [%out], 7; st.global.u32 [%out+4], 0; setp.lt.u32 %p1, %thread, 5; @%p1 exit; mov.u32 %d, 8;"],
  ["bar.warp.sync", (i) => 100 * (i ^ 1), `${store} bar.warp.sync -1; xor.b32 %r3, %thread, 1; ${loadOther}`],
  ["shared memory has generic addresses", (i) => 100 * i, `${store} cvt.u64.u32 %rd1, %r1; cvta.shared.u64 %rd2, %rd1; ld.u32 %d, [%rd2];`],
  ["generic addresses of shared memory lead back", (i) => 100 * i, `${store} cvt.u64.u32 %rd1, %r1; cvta.shared.u64 %rd2, %rd1; cvta.to.shared.u64 %rd3, %rd2; ld.shared.u32 %d, [%rd3];`],
  ["vectors go through shared memory", (i) => 100 * i + 3, "mov.u32 %r1, 1; st.shared.v4.u32 [NAME_second+16], {%r1, %a, %r1, 2}; ld.shared.v2.u32 {%r2, %r3}, [NAME_second+16]; ld.shared.v2.u32 {_, %r4}, [NAME_second+24]; add.u32 %d, %r2, %r3; add.u32 %d, %d, %r4;"],
  ["a load may replace its address", (i) => 100 * i, "cvta.to.global.u64 %rd1, %in; ld.global.v2.u32 {%r1, %r2}, [%rd1]; ld.global.u64 %in, [%in]; cvt.u32.u64 %d, %in;"],
  ["fresh shared memory is NaN", () => 0xffffffff, "ld.shared.u32 %d, [NAME_second];"],
  ["local memory is each thread's own", (i) => 100 * i + i, "mov.u64 %rd1, NAME_local; st.local.u32 [%rd1+4], %a; cvta.local.u64 %rd2, %rd1; st.u32 [%rd2+8], %thread; bar.sync 0; ld.local.u32 %r1, [NAME_local+4]; ld.local.u32 %r2, [%rd1+8]; add.u32 %d, %r1, %r2;"],
  ["narrow loads are extended by their type", () => 255 - 1, "mov.u32 %r1, 0xffff00ff; mov.u64 %rd1, NAME_local; st.local.u32 [%rd1], %r1; ld.local.u8 %r2, [%rd1]; ld.local.s8 %r3, [%rd1]; add.s32 %d, %r2, %r3;"],
  ["tables of the module are read", (i) => 7 + (i % 3), "rem.u32 %r1, %thread, 3; mul.wide.u32 %rd1, %r1, 4; mov.u64 %rd2, table; add.s64 %rd1, %rd1, %rd2; ld.global.u32 %d, [%rd1];"],
  ["functions are called", (i) => 100 * i + 1 + i, "{ .param .b32 param0; st.param.b32 [param0+0], %a; .param .b32 param1; st.param.b32 [param1+0], %thread; .param .b32 retval0; call.uni (retval0), sum_plus_one, (param0, param1); ld.param.b32 %d, [retval0+0]; }"],
  ["a kernel's parameters have addresses", () => 1, "mov.b64 %rd1, NAME_param_0; ld.param.u64 %rd2, [%rd1]; ld.param.u64 %rd3, [NAME_param_0]; setp.eq.s64 %p1, %rd2, %rd3; selp.b32 %d, 1, 0, %p1;"],
  ["an unwritten register makes the result wrong", () => 1, "setp.eq.u32 %p1, %a, 123456; @%p1 mov.f32 %f1, 0f00000000; setp.nan.f32 %p2, %f1, %f1; selp.b32 %d, 1, 0, %p2;"],

  ["beyond a shared array", /offset 256 of shared \w+_first of 256 bytes, PTX line \d+/, "ld.shared.u32 %d, [NAME_first+256];"],
  ["before a shared array", /offset -4 of shared \w+_first/, "ld.shared.u32 %d, [NAME_first+-4];"],
  ["across the end of a shared array", /16 bytes at offset 64 of shared \w+_second of 64 bytes/, "ld.shared.v4.u32 {%d, %r1, %r2, %r3}, [NAME_second+64];"],
  ["beyond local memory", /offset 32 of local memory of 32 bytes/, "ld.local.u32 %d, [NAME_local+32];"],
  ["more aligned than the array is", /misaligned access of 8 bytes/, "ld.shared.v2.u32 {%d, %r1}, [NAME_first];"],
  ["misaligned", /misaligned access of 8 bytes/, "ld.global.v2.u32 {%d, %r1}, [%in+4];"],
  ["beyond global memory", /beyond|outside|after|guard/i, "ld.global.u32 %d, [%in+512];"],
  ["division by zero", /division by zero at PTX line \d+/, "mov.u32 %r1, 0; div.u32 %d, %a, %r1;"],
  ["trap", /trap at/, "mov.u32 %d, 0; trap;"],
  ["a barrier that some threads miss", /barrier/, "mov.u32 %d, 0; setp.lt.u32 %p1, %thread, 40; @%p1 bar.sync 0;"],
  ["a shuffle that some lanes miss", /shuffle/, "mov.u32 %d, 0; setp.lt.u32 %p1, %thread, 40; @%p1 shfl.sync.idx.b32 %d, %a, 0, 31, -1;"],
  ["groups whose width is not a power of two", /shfl\.sync with operand c/, "shfl.sync.idx.b32 %d, %a, 0, 0x1d1f, -1;"],
]; // prettier-ignore

/** Declarations of the module, before its kernels. */
export const prelude = `
.global .align 4 .u32 table[3] = {7, 8, 9};
.func (.param .b32 func_retval0) sum_plus_one(.param .b32 sum_plus_one_param_0, .param .b32 sum_plus_one_param_1)
{
  .reg .b32 %r<4>;
  ld.param.u32 %r1, [sum_plus_one_param_0];
  ld.param.u32 %r2, [sum_plus_one_param_1];
  add.s32 %r3, %r1, %r2;
  add.s32 %r3, %r3, 1;
  st.param.b32 [func_retval0+0], %r3;
  ret;
}
`;

export const kernelCases: readonly KernelCase[] = list.map(([title, expected, lines], i) => ({
  title,
  expected,
  ptx: kernel(`kernel_${i}`, lines),
}));
