import { expLanes } from "./exponentials.ts";
import { loadPartial, storePartial } from "./lanes.ts";

/** Writes exp(x - largest) of each number to `to`. Returns their sum: f32 in chunks of 64 registers, f64 over the chunks. */
export function exponentials(x: usize, size: i32, largest: f32, to: usize): f64 {
  const shift = f32x4.splat(largest);
  let total = f64x2.splat(0);
  let v = 0;
  while (v < size) {
    let sum = f32x4.splat(0);
    let second = sum;
    const last = min(v + 256, size);
    for (; v <= last - 8; v += 8) {
      const at = (<usize>v) << 2;
      const power = expLanes(f32x4.sub(v128.load(x + at), shift));
      const next = expLanes(f32x4.sub(v128.load(x + at, 16), shift));
      v128.store(to + at, power);
      v128.store(to + at, next, 16);
      sum = f32x4.add(sum, power);
      second = f32x4.add(second, next);
    }
    for (; v <= last - 4; v += 4) {
      const at = (<usize>v) << 2;
      const power = expLanes(f32x4.sub(v128.load(x + at), shift));
      v128.store(to + at, power);
      sum = f32x4.add(sum, power);
    }
    for (; v < last; v++) {
      const at = (<usize>v) << 2;
      const power = expLanes(f32x4.sub(v128.load32_splat(x + at), shift));
      store<f32>(to + at, f32x4.extract_lane(power, 0));
      sum = f32x4.add(sum, f32x4.replace_lane(f32x4.splat(0), 0, f32x4.extract_lane(power, 0)));
    }
    sum = f32x4.add(sum, second);
    total = f64x2.add(total, f64x2.promote_low_f32x4(sum));
    total = f64x2.add(total, f64x2.promote_low_f32x4(v128.shuffle<f32>(sum, sum, 2, 3, 0, 1)));
  }
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}

/** Multiplies `size` numbers by `factor`, in place. */
export function scaleRow(at: usize, size: i32, factor: f32): void {
  const lanes = f32x4.splat(factor);
  for (; size >= 4; size -= 4) {
    v128.store(at, f32x4.mul(v128.load(at), lanes));
    at += 16;
  }
  if (size > 0) storePartial(at, f32x4.mul(loadPartial(at, size), lanes), size);
}
