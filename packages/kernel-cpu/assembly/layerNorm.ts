import { loadLanes, loadPartial, madd, storeLanes, sumLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// y = (x - mean) / sqrt(var + eps) · weight + bias over the last axis, where the weight and the bias may be absent.
//
// The mean is x[0] plus the mean of x - x[0], so that it is exact for a row of equal numbers. It is rounded to float32; the
// variance and y are corrected for that: with d = x - mean, var = mean(d²) - mean(d)², and (d - mean(d)) · r is d · r + shift.

@unmanaged
export class LayerNormArgs {
  x!: Pointer; // f32 [rows, features]
  weight!: OptionalPointer; // f32 [features]
  bias!: OptionalPointer; // f32 [features]
  y!: Pointer; // f32 [rows, features]
  rows!: i32;
  features!: i32;
  xStride!: i32;
  eps!: f32;
}

/** The statistics of a row: (x - mean) · scale + shift is the normalized x. */
@unmanaged
export class RowStatistics {
  mean!: f32;
  scale!: f32;
  shift!: f32;
}

/** Rows in one unit: about 16,384 numbers. */
@inline
function unitRows(args: LayerNormArgs): i32 {
  return max(16384 / args.features, 1);
}

export function layerNormUnits(args: LayerNormArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function layerNormScratch(args: LayerNormArgs): i32 {
  return offsetof<RowStatistics>();
}

export function layerNormRun(args: LayerNormArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const first = begin * rows;
  const last = min(end * rows, args.rows);
  const statistics = changetype<RowStatistics>(scratch);
  let x = args.x + ((<usize>first * args.xStride) << 2);
  let y = args.y + ((<usize>first * args.features) << 2);
  for (let row = first; row < last; row++) {
    rowStatistics(x, args.features, args.eps, statistics);
    normalizeRow(args, x, y, statistics);
    x += (<usize>args.xStride) << 2;
    y += (<usize>args.features) << 2;
  }
}

export function rowStatistics(x: usize, features: i32, eps: f32, statistics: RowStatistics): void {
  const count = <f64>features;
  const rest = features & 3;
  const whole: usize = (features - rest) << 2;
  const pairs: usize = whole & ~31;
  const blocks: usize = whole & ~63;
  // Independent sums hide the latency of the addition.
  const origin = v128.load32_splat(x);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i: usize = 0;
  for (; i < blocks; i += 64) {
    s0 = f32x4.add(s0, f32x4.sub(v128.load(x + i), origin));
    s1 = f32x4.add(s1, f32x4.sub(v128.load(x + i, 16), origin));
    s2 = f32x4.add(s2, f32x4.sub(v128.load(x + i, 32), origin));
    s3 = f32x4.add(s3, f32x4.sub(v128.load(x + i, 48), origin));
  }
  for (; i < whole; i += 16) s0 = f32x4.add(s0, f32x4.sub(v128.load(x + i), origin));
  if (rest) s1 = f32x4.add(s1, differences(x + whole, rest, origin));
  const all = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  const mean = <f32>(<f64>load<f32>(x) + <f64>all / count);
  const center = f32x4.splat(mean);
  s0 = f32x4.splat(0);
  s1 = s0;
  let q0 = s0;
  let q1 = s0;
  for (i = 0; i < pairs; i += 32) {
    const d0 = f32x4.sub(v128.load(x + i), center);
    const d1 = f32x4.sub(v128.load(x + i, 16), center);
    s0 = f32x4.add(s0, d0);
    s1 = f32x4.add(s1, d1);
    q0 = madd(d0, d0, q0);
    q1 = madd(d1, d1, q1);
  }
  if (i < whole) {
    const d0 = f32x4.sub(v128.load(x + i), center);
    s0 = f32x4.add(s0, d0);
    q0 = madd(d0, d0, q0);
  }
  if (rest) {
    const d1 = differences(x + whole, rest, center);
    s1 = f32x4.add(s1, d1);
    q1 = madd(d1, d1, q1);
  }
  const error = <f64>sumLanes(f32x4.add(s0, s1)) / count;
  const square = <f64>sumLanes(f32x4.add(q0, q1)) / count - error * error;
  // Rounding can make the difference negative; a NaN stays.
  const scale = 1 / sqrt<f64>((square < 0 ? 0 : square) + <f64>eps);
  statistics.mean = mean;
  statistics.scale = <f32>scale;
  statistics.shift = <f32>(-error * scale);
}

/** x - center for the first `count` (1 to 3) numbers, then zeros. */
@inline
function differences(x: usize, count: i32, center: v128): v128 {
  const inside = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
  return v128.and(f32x4.sub(loadPartial(x, count), center), inside);
}

function normalizeRow(args: LayerNormArgs, x: usize, y: usize, statistics: RowStatistics): void {
  const mean = f32x4.splat(statistics.mean);
  const scale = f32x4.splat(statistics.scale);
  const shift = f32x4.splat(statistics.shift);
  const weight = args.weight;
  const bias = args.bias;
  const end: usize = args.features << 2;
  const whole = end & ~15;
  let i: usize = 0;
  if (weight && bias) {
    for (; i < whole; i += 16) {
      const n = madd(f32x4.sub(v128.load(x + i), mean), scale, shift);
      v128.store(y + i, f32x4.add(f32x4.mul(n, v128.load(weight + i)), v128.load(bias + i)));
    }
  }
  for (; i < end; i += 16) {
    const count = <i32>((end - i) >> 2);
    let n = madd(f32x4.sub(loadLanes(x + i, count), mean), scale, shift);
    if (weight) n = f32x4.mul(n, loadLanes(weight + i, count));
    if (bias) n = f32x4.add(n, loadLanes(bias + i, count));
    storeLanes(y + i, n, count);
  }
}
