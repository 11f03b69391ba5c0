import { madd } from "./lanes.ts";
import { power, ROW, SAVED_STEPS, ScanInputs } from "./scanInputs.ts";

// The two passes of four channels over a time chunk; selectiveScanBackward.ts has the formulas. The first goes step by step, with
// four independent n at a time for the reason given in activations.ts. The second goes through the chunk once for each pair of n:
// the values that one step hands to the next then stay in registers (measured: a fifth of the whole backward faster).

/** Bytes of [SAVED_STEPS][CHANNELS] in scratch. */
export const ROWS: usize = <usize>SAVED_STEPS * ROW;
// Scratch: dt, then dt · u, o, y before the gate, sum_n g · B and sum_n e · A'.
export const DTU: usize = ROWS;
export const OUT: usize = 2 * ROWS;
export const Y: usize = 3 * ROWS;
export const GB: usize = 4 * ROWS;
export const EA: usize = 5 * ROWS;

/** Writes a[t] to `powers` and h after each step to `states`, whose first [N][4] is the state before the chunk. */
@inline
export function recompute(
  args: ScanInputs,
  decay: usize,
  powers: usize,
  states: usize,
  B: usize,
  C: usize,
  scratch: usize,
  steps: i32,
  bounded: bool,
): void {
  const N = <usize>args.stateSize << 2;
  const whole = N & ~15;
  const bStep = (<usize>args.bStride) << 2;
  const cStep = (<usize>args.cStride) << 2;
  for (let t = 0; t < steps; t++) {
    const dt = v128.load(scratch);
    const dtu = v128.load(scratch, DTU);
    const after = states + (N << 2);
    let y = f32x4.splat(0);
    let n: usize = 0;
    for (; n < whole; n += 16) {
      const from = decay + (n << 2);
      const h = states + (n << 2);
      const a = powers + (n << 2);
      const next = after + (n << 2);
      const b = B + n;
      const c = C + n;
      const a0 = power(f32x4.mul(dt, v128.load(from)), bounded);
      const a1 = power(f32x4.mul(dt, v128.load(from, 16)), bounded);
      const a2 = power(f32x4.mul(dt, v128.load(from, 32)), bounded);
      const a3 = power(f32x4.mul(dt, v128.load(from, 48)), bounded);
      v128.store(a, a0);
      v128.store(a, a1, 16);
      v128.store(a, a2, 32);
      v128.store(a, a3, 48);
      const h0 = madd(a0, v128.load(h), f32x4.mul(dtu, v128.load32_splat(b)));
      const h1 = madd(a1, v128.load(h, 16), f32x4.mul(dtu, v128.load32_splat(b, 4)));
      const h2 = madd(a2, v128.load(h, 32), f32x4.mul(dtu, v128.load32_splat(b, 8)));
      const h3 = madd(a3, v128.load(h, 48), f32x4.mul(dtu, v128.load32_splat(b, 12)));
      v128.store(next, h0);
      v128.store(next, h1, 16);
      v128.store(next, h2, 32);
      v128.store(next, h3, 48);
      y = madd(h0, v128.load32_splat(c), y);
      y = madd(h1, v128.load32_splat(c, 4), y);
      y = madd(h2, v128.load32_splat(c, 8), y);
      y = madd(h3, v128.load32_splat(c, 12), y);
    }
    for (; n < N; n += 4) {
      const at = n << 2;
      const a = power(f32x4.mul(dt, v128.load(decay + at)), bounded);
      const h = madd(a, v128.load(states + at), f32x4.mul(dtu, v128.load32_splat(B + n)));
      v128.store(powers + at, a);
      v128.store(after + at, h);
      y = madd(h, v128.load32_splat(C + n), y);
    }
    v128.store(scratch, y, Y);
    B += bStep;
    C += cStep;
    scratch += ROW;
    states = after;
    powers += N << 2;
  }
}

/**
 * Goes from the last step to the first: adds to `dA`, `sumsB` and `sumsC`, and replaces r in `carry`, the gradient of the state
 * after the chunk, by that of the state before it.
 */
export function reverse(
  args: ScanInputs,
  decay: usize,
  powers: usize,
  states: usize,
  carry: usize,
  dA: usize,
  sumsB: usize,
  sumsC: usize,
  B: usize,
  C: usize,
  scratch: usize,
  steps: i32,
): void {
  const N = args.stateSize;
  const step = (<usize>N) << 4;
  const last = <usize>(steps - 1);
  const lastStep = last * step;
  const b = B + ((last * args.bStride) << 2);
  const c = C + ((last * args.cStride) << 2);
  const end = scratch + <usize>steps * ROW;
  for (let row = scratch; row < end; row += ROW) {
    v128.store(row, f32x4.splat(0), GB);
    v128.store(row, f32x4.splat(0), EA);
  }
  const row = end - ROW;
  const whole = N & ~1;
  let n = 0;
  for (; n < whole; n += 2) {
    const at = (<usize>n) << 4;
    const from = lastStep + at;
    const i = (<usize>n) << 2;
    reversePair(args, decay + at, powers + from, states + from, carry + at, dA + at, sumsB + from, sumsC + from, b + i, c + i, row, steps);
  }
  if (n < N) {
    const at = (<usize>n) << 4;
    const from = lastStep + at;
    const i = (<usize>n) << 2;
    reverseOne(args, decay + at, powers + from, states + from, carry + at, dA + at, sumsB + from, sumsC + from, b + i, c + i, row, steps);
  }
}

/** Computes two n from the last step to the first. All addresses are those of the last step. */
function reversePair(
  args: ScanInputs,
  decay: usize,
  powers: usize,
  states: usize,
  carry: usize,
  dA: usize,
  sumsB: usize,
  sumsC: usize,
  B: usize,
  C: usize,
  row: usize,
  steps: i32,
): void {
  const step = (<usize>args.stateSize) << 4;
  const bStep = (<usize>args.bStride) << 2;
  const cStep = (<usize>args.cStride) << 2;
  const decay0 = v128.load(decay);
  const decay1 = v128.load(decay, 16);
  let r0 = v128.load(carry);
  let r1 = v128.load(carry, 16);
  let dA0 = v128.load(dA);
  let dA1 = v128.load(dA, 16);
  let h0 = v128.load(states + step);
  let h1 = v128.load(states + step, 16);
  for (let t = 0; t < steps; t++) {
    const out = v128.load(row, OUT);
    const g0 = madd(out, v128.load32_splat(C), r0);
    const g1 = madd(out, v128.load32_splat(C, 4), r1);
    v128.store(sumsC, madd(out, h0, v128.load(sumsC)));
    v128.store(sumsC, madd(out, h1, v128.load(sumsC, 16)), 16);
    const dtu = v128.load(row, DTU);
    v128.store(sumsB, madd(g0, dtu, v128.load(sumsB)));
    v128.store(sumsB, madd(g1, dtu, v128.load(sumsB, 16)), 16);
    let gB = madd(g0, v128.load32_splat(B), v128.load(row, GB));
    gB = madd(g1, v128.load32_splat(B, 4), gB);
    v128.store(row, gB, GB);
    r0 = f32x4.mul(g0, v128.load(powers));
    r1 = f32x4.mul(g1, v128.load(powers, 16));
    h0 = v128.load(states);
    h1 = v128.load(states, 16);
    const e0 = f32x4.mul(r0, h0);
    const e1 = f32x4.mul(r1, h1);
    const dt = v128.load(row);
    dA0 = madd(e0, dt, dA0);
    dA1 = madd(e1, dt, dA1);
    v128.store(row, madd(e1, decay1, madd(e0, decay0, v128.load(row, EA))), EA);
    powers -= step;
    states -= step;
    sumsB -= step;
    sumsC -= step;
    B -= bStep;
    C -= cStep;
    row -= ROW;
  }
  v128.store(carry, r0);
  v128.store(carry, r1, 16);
  v128.store(dA, dA0);
  v128.store(dA, dA1, 16);
}

/** Computes one n like `reversePair`. */
function reverseOne(
  args: ScanInputs,
  decay: usize,
  powers: usize,
  states: usize,
  carry: usize,
  dA: usize,
  sumsB: usize,
  sumsC: usize,
  B: usize,
  C: usize,
  row: usize,
  steps: i32,
): void {
  const step = (<usize>args.stateSize) << 4;
  const decay0 = v128.load(decay);
  let r = v128.load(carry);
  let sum = v128.load(dA);
  let h = v128.load(states + step);
  for (let t = 0; t < steps; t++) {
    const out = v128.load(row, OUT);
    const g = madd(out, v128.load32_splat(C), r);
    v128.store(sumsC, madd(out, h, v128.load(sumsC)));
    v128.store(sumsB, madd(g, v128.load(row, DTU), v128.load(sumsB)));
    v128.store(row, madd(g, v128.load32_splat(B), v128.load(row, GB)), GB);
    r = f32x4.mul(g, v128.load(powers));
    h = v128.load(states);
    const e = f32x4.mul(r, h);
    sum = madd(e, v128.load(row), sum);
    v128.store(row, madd(e, decay0, v128.load(row, EA)), EA);
    powers -= step;
    states -= step;
    sumsB -= step;
    sumsC -= step;
    B -= (<usize>args.bStride) << 2;
    C -= (<usize>args.cStride) << 2;
    row -= ROW;
  }
  v128.store(carry, r);
  v128.store(dA, sum);
}
