import { loadLanes, madd, storeLanes } from "./math.ts";

// Sums over rows, four columns to a register, rows in ascending order:
//
// sumRows                 y[i] = sum_m x[m, i]
// rmsNormBackwardWeight   y[i] = sum_m x[m, i] · w[m, i] · scales[m]
//
// Rows are summed in blocks of 64, and the blocks' sums then: the error of a long sum in float32 grows with the square root
// of what it would be in one go.

const BLOCK: i32 = 64;
const UNIT_NUMBERS: i32 = 32768;

@unmanaged
export class ReduceArgs {
  /*  0 */ x!: usize; // f32 [rows, features]
  /*  1 */ w!: usize; // f32 [rows, features]; rmsNormBackwardWeight only
  /*  2 */ scales!: usize; // f32 [rows]; rmsNormBackwardWeight only
  /*  3 */ y!: usize; // f32 [features]
  /*  4 */ rows!: i32;
  /*  5 */ features!: i32;
  /*  6 */ xStride!: i32;
  /*  7 */ wStride!: i32;
}

/** Columns of one unit: whole cache lines. */
@inline
function unitColumns(args: ReduceArgs): i32 {
  return max(UNIT_NUMBERS / args.rows, 16) & ~15;
}

export function reduceUnits(at: usize): i32 {
  const args = changetype<ReduceArgs>(at);
  const columns = unitColumns(args);
  return (args.features + columns - 1) / columns;
}

export function sumRowsRange(at: usize, begin: i32, end: i32): void {
  reduce(changetype<ReduceArgs>(at), begin, end, false);
}

export function rmsNormBackwardWeightRange(at: usize, begin: i32, end: i32): void {
  reduce(changetype<ReduceArgs>(at), begin, end, true);
}

@inline
function reduce(args: ReduceArgs, begin: i32, end: i32, weighted: bool): void {
  const columns = unitColumns(args);
  const last = min(end * columns, args.features);
  let i = begin * columns;
  for (; i + 16 <= last; i += 16) sixteen(args, i, weighted);
  for (; i < last; i += 4) four(args, i, last - i, weighted);
}

/** Sums of 16 columns. */
@inline
function sixteen(args: ReduceArgs, i: i32, weighted: bool): void {
  const step = (<usize>args.xStride) << 2;
  const wStep = (<usize>args.wStride) << 2;
  let x = args.x + ((<usize>i) << 2);
  let w = args.w + ((<usize>i) << 2);
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  for (let m = 0; m < args.rows; m += BLOCK) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    const to = min(m + BLOCK, args.rows);
    for (let r = m; r < to; r++) {
      if (weighted) {
        const scale = v128.load32_splat(args.scales + ((<usize>r) << 2));
        s0 = madd(f32x4.mul(v128.load(x), scale), v128.load(w), s0);
        s1 = madd(f32x4.mul(v128.load(x, 16), scale), v128.load(w, 16), s1);
        s2 = madd(f32x4.mul(v128.load(x, 32), scale), v128.load(w, 32), s2);
        s3 = madd(f32x4.mul(v128.load(x, 48), scale), v128.load(w, 48), s3);
        w += wStep;
      } else {
        s0 = f32x4.add(v128.load(x), s0);
        s1 = f32x4.add(v128.load(x, 16), s1);
        s2 = f32x4.add(v128.load(x, 32), s2);
        s3 = f32x4.add(v128.load(x, 48), s3);
      }
      x += step;
    }
    t0 = f32x4.add(t0, s0);
    t1 = f32x4.add(t1, s1);
    t2 = f32x4.add(t2, s2);
    t3 = f32x4.add(t3, s3);
  }
  const y = args.y + ((<usize>i) << 2);
  v128.store(y, t0);
  v128.store(y, t1, 16);
  v128.store(y, t2, 32);
  v128.store(y, t3, 48);
}

/** Sums of the first `count`, at most four, columns from i on. */
@inline
function four(args: ReduceArgs, i: i32, count: i32, weighted: bool): void {
  const step = (<usize>args.xStride) << 2;
  const wStep = (<usize>args.wStride) << 2;
  let x = args.x + ((<usize>i) << 2);
  let w = args.w + ((<usize>i) << 2);
  let total = f32x4.splat(0);
  for (let m = 0; m < args.rows; m += BLOCK) {
    let sum = f32x4.splat(0);
    const to = min(m + BLOCK, args.rows);
    for (let r = m; r < to; r++) {
      const lanes = loadLanes(x, count);
      if (weighted) {
        const scale = v128.load32_splat(args.scales + ((<usize>r) << 2));
        sum = madd(f32x4.mul(lanes, scale), loadLanes(w, count), sum);
        w += wStep;
      } else sum = f32x4.add(lanes, sum);
      x += step;
    }
    total = f32x4.add(total, sum);
  }
  storeLanes(args.y + ((<usize>i) << 2), total, count);
}
