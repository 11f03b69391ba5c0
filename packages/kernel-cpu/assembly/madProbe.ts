import { madd } from "./lanes.ts";
import { Pointer } from "./records.ts";

// Measures how many multiply-adds the machine computes in registers, for the benchmark, with the instructions of the ops.

const STEPS: i32 = 1024;

@unmanaged
export class MadProbeArgs {
  result!: Pointer; // f32 [rounds]: without a result the compiler could drop the loop
  rounds!: i32; // the units; each does madProbeFlops() floating-point operations
}

export function madProbeUnits(args: MadProbeArgs): i32 {
  return args.rounds;
}

/** Floating-point operations of one unit: steps x 2 x chains x lanes x (multiply and add). */
export function madProbeFlops(): i32 {
  return STEPS * 2 * 12 * 4 * 2;
}

/** Twelve independent chains c = a · c + b: they hide the latency of both operations and fit in registers. */
export function madProbeRun(args: MadProbeArgs, begin: i32, end: i32, scratch: usize): void {
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
