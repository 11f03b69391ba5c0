import { loadPartial, madd, storePartial, sumLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// y = x / sqrt(mean(x²) + eps) · weight over the last axis, or without the weight. Four independent sums hide the latency of
// the addition.

@unmanaged
export class RmsNormArgs {
  x!: Pointer; // f32 [rows, features]
  weight!: OptionalPointer; // f32 [features]
  y!: Pointer; // f32 [rows, features]
  rows!: i32; // may be 0
  features!: i32;
  xStride!: i32;
  eps!: f32;
}

/** Rows in one unit: about 16,384 numbers. */
@inline
function unitRows(args: RmsNormArgs): i32 {
  return max(16384 / args.features, 1);
}

export function rmsNormUnits(args: RmsNormArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function rmsNormRun(args: RmsNormArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const first = begin * rows;
  const last = min(end * rows, args.rows);
  let x = args.x + ((<usize>first * args.xStride) << 2);
  let y = args.y + ((<usize>first * args.features) << 2);
  for (let row = first; row < last; row++) {
    normRow(x, y, args.weight, args.features, args.eps);
    x += (<usize>args.xStride) << 2;
    y += (<usize>args.features) << 2;
  }
}

function normRow(x: usize, y: usize, weight: usize, features: i32, eps: f32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const rest = features & 3;
  const whole: usize = (features - rest) << 2;
  const blocks: usize = whole & ~63;
  let i: usize = 0;
  for (; i < blocks; i += 64) {
    const x0 = v128.load(x + i);
    const x1 = v128.load(x + i, 16);
    const x2 = v128.load(x + i, 32);
    const x3 = v128.load(x + i, 48);
    s0 = madd(x0, x0, s0);
    s1 = madd(x1, x1, s1);
    s2 = madd(x2, x2, s2);
    s3 = madd(x3, x3, s3);
  }
  for (; i < whole; i += 16) {
    const x0 = v128.load(x + i);
    s0 = madd(x0, x0, s0);
  }
  if (rest) {
    const x0 = loadPartial(x + whole, rest);
    s1 = madd(x0, x0, s1);
  }
  const sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(sum / <f32>features + eps));
  if (weight) {
    for (i = 0; i < whole; i += 16) {
      v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), factor), v128.load(weight + i)));
    }
    if (rest) {
      const scaled = f32x4.mul(loadPartial(x + whole, rest), factor);
      storePartial(y + whole, f32x4.mul(scaled, loadPartial(weight + whole, rest)), rest);
    }
  } else {
    for (i = 0; i < whole; i += 16) v128.store(y + i, f32x4.mul(v128.load(x + i), factor));
    if (rest) storePartial(y + whole, f32x4.mul(loadPartial(x + whole, rest), factor), rest);
  }
}
