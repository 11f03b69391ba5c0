import { expLanes } from "./exponentials.ts";
import { loadPartial, storePartial } from "./lanes.ts";

// The steps of a softmax over one row. They are inlined because rows are often short: ten classes take as long as a few calls.

/** Returns the largest of `size` numbers. A NaN is ignored: it makes the sum of `exponentials` NaN. */
@inline
export function largestOf(x: usize, size: i32): f32 {
  const end = x + ((<usize>size) << 2);
  let at = x;
  let most = f32x4.splat(-Infinity);
  if (size >= 64) {
    let second = most;
    let third = most;
    let fourth = most;
    for (const wide = end - 64; at <= wide; at += 64) {
      most = f32x4.pmax(most, v128.load(at));
      second = f32x4.pmax(second, v128.load(at, 16));
      third = f32x4.pmax(third, v128.load(at, 32));
      fourth = f32x4.pmax(fourth, v128.load(at, 48));
    }
    most = f32x4.pmax(f32x4.pmax(most, second), f32x4.pmax(third, fourth));
  }
  for (; at + 16 <= end; at += 16) most = f32x4.pmax(most, v128.load(at));
  for (; at < end; at += 4) most = f32x4.pmax(most, v128.load32_splat(at));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
  return f32x4.extract_lane(most, 0);
}

/** Writes exp(x - largest) of each number to `to`. Returns their sum: f32 in chunks of 64 registers, f64 over the chunks. */
@inline
export function exponentials(x: usize, size: i32, largest: f32, to: usize): f64 {
  const shift = f32x4.splat(largest);
  let total = f64x2.splat(0);
  let v = 0;
  while (v < size) {
    let sum = f32x4.splat(0);
    const last = min(v + 256, size);
    for (; v <= last - 4; v += 4) {
      const at = (<usize>v) << 2;
      const power = expLanes(f32x4.sub(v128.load(x + at), shift));
      v128.store(to + at, power);
      sum = f32x4.add(sum, power);
    }
    if (v < last) {
      const at = (<usize>v) << 2;
      const count = last - v;
      const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
      const power = v128.and(expLanes(f32x4.sub(loadPartial(x + at, count), shift)), inside);
      storePartial(to + at, power, count);
      sum = f32x4.add(sum, power);
      v = last;
    }
    total = f64x2.add(total, f64x2.promote_low_f32x4(sum));
    total = f64x2.add(total, f64x2.promote_low_f32x4(v128.shuffle<f32>(sum, sum, 2, 3, 0, 1)));
  }
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}

/** Multiplies `size` numbers by `factor`, in place. */
@inline
export function scaleRow(at: usize, size: i32, factor: f32): void {
  const lanes = f32x4.splat(factor);
  for (; size >= 4; size -= 4) {
    v128.store(at, f32x4.mul(v128.load(at), lanes));
    at += 16;
  }
  if (size > 0) storePartial(at, f32x4.mul(loadPartial(at, size), lanes), size);
}
