import { ProbeArgs } from "./args.ts";
import { madd } from "./math.ts";

// What this machine gives to WebAssembly SIMD, for the benchmark: how fast a thread streams memory, and how many
// multiply-adds it does in registers, with the same instructions that the ops use.

const BLOCK_BYTES: usize = 262144;
const STEPS: i32 = 1024;

export function readProbeUnits(at: usize): i32 {
  return <i32>(changetype<ProbeArgs>(at).bytes / <u32>BLOCK_BYTES);
}

export function readProbeScratch(at: usize): i32 {
  return 0;
}

/**
 * result[unit] = the sum of block `unit` of the data. Four streams at a time: on the machines measured that reads a fifth
 * faster than one, and it is how `linear` reads its weights.
 */
export function readProbeRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ProbeArgs>(at);
  const apart = BLOCK_BYTES / 4;
  for (let unit = begin; unit < end; unit++) {
    const a = args.data + <usize>unit * BLOCK_BYTES;
    const b = a + apart;
    const c = b + apart;
    const d = c + apart;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let i: usize = 0; i < apart; i += 32) {
      s0 = f32x4.add(s0, f32x4.add(v128.load(a + i), v128.load(a + i, 16)));
      s1 = f32x4.add(s1, f32x4.add(v128.load(b + i), v128.load(b + i, 16)));
      s2 = f32x4.add(s2, f32x4.add(v128.load(c + i), v128.load(c + i, 16)));
      s3 = f32x4.add(s3, f32x4.add(v128.load(d + i), v128.load(d + i, 16)));
    }
    const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
    store<f32>(args.result + (unit << 2), f32x4.extract_lane(sum, 0));
  }
}

export function madProbeUnits(at: usize): i32 {
  return changetype<ProbeArgs>(at).rounds;
}

export function madProbeScratch(at: usize): i32 {
  return 0;
}

/** Floating-point operations of one unit: steps x 2 x chains x lanes x (multiply and add). */
export function madProbeFlops(): i32 {
  return STEPS * 2 * 12 * 4 * 2;
}

/** Twelve independent chains c = a · c + b: enough to hide the latency of both operations, and they fit in registers. */
export function madProbeRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ProbeArgs>(at);
  for (let unit = begin; unit < end; unit++) {
    const a = f32x4.splat(<f32>unit * 1e-9 + 0.999);
    const b = f32x4.splat(<f32>unit * 1e-9 + 0.001);
    let c0 = b;
    let c1 = f32x4.add(c0, b);
    let c2 = f32x4.add(c1, b);
    let c3 = f32x4.add(c2, b);
    let c4 = f32x4.add(c3, b);
    let c5 = f32x4.add(c4, b);
    let c6 = f32x4.add(c5, b);
    let c7 = f32x4.add(c6, b);
    let c8 = f32x4.add(c7, b);
    let c9 = f32x4.add(c8, b);
    let c10 = f32x4.add(c9, b);
    let c11 = f32x4.add(c10, b);
    for (let step = 0; step < STEPS; step++) {
      c0 = madd(a, c0, b);
      c1 = madd(a, c1, b);
      c2 = madd(a, c2, b);
      c3 = madd(a, c3, b);
      c4 = madd(a, c4, b);
      c5 = madd(a, c5, b);
      c6 = madd(a, c6, b);
      c7 = madd(a, c7, b);
      c8 = madd(a, c8, b);
      c9 = madd(a, c9, b);
      c10 = madd(a, c10, b);
      c11 = madd(a, c11, b);
      c0 = madd(b, c0, a);
      c1 = madd(b, c1, a);
      c2 = madd(b, c2, a);
      c3 = madd(b, c3, a);
      c4 = madd(b, c4, a);
      c5 = madd(b, c5, a);
      c6 = madd(b, c6, a);
      c7 = madd(b, c7, a);
      c8 = madd(b, c8, a);
      c9 = madd(b, c9, a);
      c10 = madd(b, c10, a);
      c11 = madd(b, c11, a);
    }
    let sum = f32x4.add(c0, c1);
    sum = f32x4.add(sum, c2);
    sum = f32x4.add(sum, c3);
    sum = f32x4.add(sum, c4);
    sum = f32x4.add(sum, c5);
    sum = f32x4.add(sum, c6);
    sum = f32x4.add(sum, c7);
    sum = f32x4.add(sum, c8);
    sum = f32x4.add(sum, c9);
    sum = f32x4.add(sum, c10);
    sum = f32x4.add(sum, c11);
    store<f32>(args.result + (unit << 2), f32x4.extract_lane(sum, 0));
  }
}
