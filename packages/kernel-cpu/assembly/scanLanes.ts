import { gatherLanes, scatterLanes, storeLanes, sumFour } from "./lanes.ts";
import { REGISTERS, ROW } from "./scanInputs.ts";

// Between rows of numbers and the registers of four channels in which the backward of the scan computes.

/** Copies rows [count, N], times `factor`, to [REGISTERS][N][4]. */
export function toLanes(to: usize, from: usize, N: i32, count: i32, factor: f32): void {
  const row = (<usize>N) << 2;
  for (let c = 0; c < count; c += 4) {
    for (let n = 0; n < N; n++) {
      const lanes = gatherLanes(from + <usize>c * row + ((<usize>n) << 2), row, count - c);
      v128.store(to, f32x4.mul(lanes, f32x4.splat(factor)));
      to += 16;
    }
  }
}

/** Copies [REGISTERS][N][4] to rows [count, N]. */
export function fromLanes(to: usize, from: usize, N: i32, count: i32): void {
  const row = (<usize>N) << 2;
  for (let c = 0; c < count; c += 4) {
    for (let n = 0; n < N; n++) {
      scatterLanes(to + <usize>c * row + ((<usize>n) << 2), row, v128.load(from), count - c);
      from += 16;
    }
  }
}

/** Copies [steps][CHANNELS] to rows `stride` elements apart. */
export function unstage(to: usize, from: usize, stride: i32, count: i32, steps: i32): void {
  for (let t = 0; t < steps; t++) {
    for (let c = 0; c < count; c += 4) storeLanes(to + (c << 2), v128.load(from + (c << 2)), count - c);
    to += (<usize>stride) << 2;
    from += ROW;
  }
}

/** Sums the lanes of each of `count` registers. Sets as many numbers at `to`, or adds to them. */
export function sumChannels(to: usize, from: usize, count: i32, add: bool): void {
  for (; count >= 4; count -= 4) {
    const sums = sumFour(v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48));
    v128.store(to, add ? f32x4.add(v128.load(to), sums) : sums);
    to += 16;
    from += 64;
  }
  for (; count > 0; count--) {
    const zero = f32x4.splat(0);
    const sum = f32x4.extract_lane(sumFour(v128.load(from), zero, zero, zero), 0);
    store<f32>(to, add ? load<f32>(to) + sum : sum);
    to += 4;
    from += 16;
  }
}
