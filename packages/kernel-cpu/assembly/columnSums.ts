import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { Pointer } from "./records.ts";

// Sums over rows, four columns in a register, rows in ascending order:
//
//   y[i] = sum_m x[m, i]                               or, weighted,
//   y[i] = sum_m x[m, i] · scales[m] · w[m, i]
//
// Rows are summed in chunks of 64, and then the sums of the chunks: the error of a long sum in float32 becomes about the
// square root of that of a single pass.

const CHUNK_ROWS: i32 = 64;
const UNIT_NUMBERS: i32 = 32768;

@unmanaged
export class ColumnSums {
  x!: Pointer; // f32 [rows, features]
  y!: Pointer; // f32 [features]
  rows!: i32;
  features!: i32;
  xStride!: i32;
}

@unmanaged
export class WeightedColumnSums extends ColumnSums {
  w!: Pointer; // f32 [rows, features]
  scales!: Pointer; // f32 [rows]
  wStride!: i32;
}

/** Columns of one unit: whole cache lines. */
@inline
function unitColumns(args: ColumnSums): i32 {
  return max(UNIT_NUMBERS / args.rows, 16) & ~15;
}

export function columnSumsUnits(args: ColumnSums): i32 {
  const columns = unitColumns(args);
  return (args.features + columns - 1) / columns;
}

/** Computes the units [begin, end). With `weighted`, `args` is a WeightedColumnSums. */
@inline
export function columnSums(args: ColumnSums, begin: i32, end: i32, weighted: bool): void {
  const columns = unitColumns(args);
  const last = min(end * columns, args.features);
  let i = begin * columns;
  for (; i + 16 <= last; i += 16) sixteen(args, i, weighted);
  for (; i < last; i += 4) four(args, i, last - i, weighted);
}

/** Sums 16 columns. */
@inline
function sixteen(args: ColumnSums, i: i32, weighted: bool): void {
  const step = (<usize>args.xStride) << 2;
  const weights = changetype<WeightedColumnSums>(changetype<usize>(args));
  const wStep = weighted ? (<usize>weights.wStride) << 2 : 0;
  let x = args.x + ((<usize>i) << 2);
  let w = weighted ? weights.w + ((<usize>i) << 2) : 0;
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  for (let m = 0; m < args.rows; m += CHUNK_ROWS) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    const to = min(m + CHUNK_ROWS, args.rows);
    for (let r = m; r < to; r++) {
      if (weighted) {
        const scale = v128.load32_splat(weights.scales + ((<usize>r) << 2));
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

/** Sums the first `count`, at most four, columns from i on. */
@inline
function four(args: ColumnSums, i: i32, count: i32, weighted: bool): void {
  const step = (<usize>args.xStride) << 2;
  const weights = changetype<WeightedColumnSums>(changetype<usize>(args));
  const wStep = weighted ? (<usize>weights.wStride) << 2 : 0;
  let x = args.x + ((<usize>i) << 2);
  let w = weighted ? weights.w + ((<usize>i) << 2) : 0;
  let total = f32x4.splat(0);
  for (let m = 0; m < args.rows; m += CHUNK_ROWS) {
    let sum = f32x4.splat(0);
    const to = min(m + CHUNK_ROWS, args.rows);
    for (let r = m; r < to; r++) {
      const lanes = loadLanes(x, count);
      if (weighted) {
        const scale = v128.load32_splat(weights.scales + ((<usize>r) << 2));
        sum = madd(f32x4.mul(lanes, scale), loadLanes(w, count), sum);
        w += wStep;
      } else sum = f32x4.add(lanes, sum);
      x += step;
    }
    total = f32x4.add(total, sum);
  }
  storeLanes(args.y + ((<usize>i) << 2), total, count);
}
