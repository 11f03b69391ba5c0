import { WeightedColumnSums, columnSums, columnSumsUnits } from "./columnSums.ts";
import { loadLanes, madd, storeLanes, sumLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// Backward of rmsNorm over the last axis, with r = 1 / sqrt(mean(x²) + eps) computed again:
//
//   dx         = r · (dy · weight - (x · r) · mean((x · r) · dy · weight))
//   dWeight[i] = sum_m x[m, i] · dy[m, i] · r[m]
//
// The second is a job of its own, rmsNormBackwardWeight. The first one saves the scales r for it on request.

@unmanaged
export class RmsNormBackwardArgs {
  dy!: Pointer; // f32 [rows, features]
  x!: Pointer; // f32 [rows, features]
  weight!: OptionalPointer; // f32 [features]
  dx!: Pointer; // f32 [rows, features]
  scales!: OptionalPointer; // f32 [rows]
  rows!: i32;
  features!: i32;
  dyStride!: i32;
  xStride!: i32;
  eps!: f32;
}

/** Rows in one unit: about 16,384 numbers. */
@inline
function unitRows(args: RmsNormBackwardArgs): i32 {
  return max(16384 / args.features, 1);
}

export function rmsNormBackwardUnits(args: RmsNormBackwardArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function rmsNormBackwardRun(args: RmsNormBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  for (let row = begin * rows; row < last; row++) {
    const scale = backwardRow(
      args.dy + ((<usize>row * args.dyStride) << 2),
      args.x + ((<usize>row * args.xStride) << 2),
      args.weight,
      args.dx + ((<usize>row * args.features) << 2),
      args.features,
      args.eps,
    );
    if (args.scales) store<f32>(args.scales + ((<usize>row) << 2), scale);
  }
}

export function rmsNormBackwardWeightUnits(args: WeightedColumnSums): i32 {
  return columnSumsUnits(args);
}

export function rmsNormBackwardWeightRun(args: WeightedColumnSums, begin: i32, end: i32, scratch: usize): void {
  columnSums(args, begin, end, true);
}

/** Computes one row. Returns its scale r. */
function backwardRow(dy: usize, x: usize, weight: usize, dx: usize, features: i32, eps: f32): f32 {
  // Two independent sums of each kind hide the latency of the addition.
  let squares0 = f32x4.splat(0);
  let squares1 = squares0;
  let products0 = squares0;
  let products1 = squares0;
  const whole = (<usize>features & ~3) << 2;
  const pairs = whole & ~31;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    const x0 = v128.load(x + i);
    const x1 = v128.load(x + i, 16);
    let g0 = v128.load(dy + i);
    let g1 = v128.load(dy + i, 16);
    if (weight) {
      g0 = f32x4.mul(g0, v128.load(weight + i));
      g1 = f32x4.mul(g1, v128.load(weight + i, 16));
    }
    squares0 = madd(x0, x0, squares0);
    squares1 = madd(x1, x1, squares1);
    products0 = madd(x0, g0, products0);
    products1 = madd(x1, g1, products1);
  }
  const end = (<usize>features) << 2;
  for (; i < end; i += 16) {
    const count = <i32>((end - i) >> 2);
    const x0 = loadLanes(x + i, count);
    let g0 = loadLanes(dy + i, count);
    if (weight) g0 = f32x4.mul(g0, loadLanes(weight + i, count));
    squares0 = madd(x0, x0, squares0);
    products0 = madd(x0, g0, products0);
  }
  const r = <f32>1 / sqrt<f32>(sumLanes(f32x4.add(squares0, squares1)) / <f32>features + eps);
  const mean = sumLanes(f32x4.add(products0, products1)) / <f32>features;
  const scale = f32x4.splat(r);
  const back = f32x4.splat(-r * mean);
  for (i = 0; i < whole; i += 16) {
    let g = v128.load(dy + i);
    if (weight) g = f32x4.mul(g, v128.load(weight + i));
    v128.store(dx + i, f32x4.mul(scale, madd(f32x4.mul(v128.load(x + i), scale), back, g)));
  }
  if (i < end) {
    const count = features & 3;
    let g = loadLanes(dy + i, count);
    if (weight) g = f32x4.mul(g, loadLanes(weight + i, count));
    const normed = f32x4.mul(loadLanes(x + i, count), scale);
    storeLanes(dx + i, f32x4.mul(scale, madd(normed, back, g)), count);
  }
  return r;
}
