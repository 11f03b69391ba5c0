import { columnSums, columnSumsUnits, NORMALIZED, WeightedColumnSums } from "./columnSums.ts";
import { loadLanes, madd, storeLanes, sumLanes } from "./lanes.ts";
import { RowStatistics, rowStatistics } from "./layerNorm.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// Backward of layerNorm over the last axis, with the statistics of the rows computed again, n = (x - mean) / sqrt(var + eps)
// and g = dy · weight:
//
//   dx         = (g - mean(g) - n · mean(g · n)) / sqrt(var + eps)
//   dWeight[i] = sum_m dy[m, i] · n[m, i]
//   dBias[i]   = sum_m dy[m, i]
//
// The second is a job of its own, layerNormBackwardWeight, which reads the statistics that the first one saves. The third is
// sumRows.

@unmanaged
export class LayerNormBackwardArgs {
  dy!: Pointer; // f32 [rows, features]
  x!: Pointer; // f32 [rows, features]
  weight!: OptionalPointer; // f32 [features]
  dx!: Pointer; // f32 [rows, features]
  statistics!: OptionalPointer; // RowStatistics [rows]
  rows!: i32;
  features!: i32;
  dyStride!: i32;
  xStride!: i32;
  eps!: f32;
}

/** Rows in one unit: about 16,384 numbers. */
@inline
function unitRows(args: LayerNormBackwardArgs): i32 {
  return max(16384 / args.features, 1);
}

export function layerNormBackwardUnits(args: LayerNormBackwardArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function layerNormBackwardScratch(args: LayerNormBackwardArgs): i32 {
  return offsetof<RowStatistics>();
}

export function layerNormBackwardRun(args: LayerNormBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  for (let row = begin * rows; row < last; row++) {
    const saved = args.statistics ? args.statistics + <usize>row * offsetof<RowStatistics>() : scratch;
    const statistics = changetype<RowStatistics>(saved);
    const x = args.x + ((<usize>row * args.xStride) << 2);
    rowStatistics(x, args.features, args.eps, statistics);
    const dx = args.dx + ((<usize>row * args.features) << 2);
    backwardRow(args, args.dy + ((<usize>row * args.dyStride) << 2), x, dx, statistics);
  }
}

export function layerNormBackwardWeightUnits(args: WeightedColumnSums): i32 {
  return columnSumsUnits(args);
}

export function layerNormBackwardWeightRun(args: WeightedColumnSums, begin: i32, end: i32, scratch: usize): void {
  columnSums(args, begin, end, NORMALIZED);
}

function backwardRow(args: LayerNormBackwardArgs, dy: usize, x: usize, dx: usize, statistics: RowStatistics): void {
  const mean = f32x4.splat(statistics.mean);
  const scale = f32x4.splat(statistics.scale);
  const shift = f32x4.splat(statistics.shift);
  const weight = args.weight;
  const bytes: usize = args.features << 2;
  let sum = f32x4.splat(0);
  let product = sum;
  for (let i: usize = 0; i < bytes; i += 16) {
    const count = <i32>((bytes - i) >> 2);
    let g = loadLanes(dy + i, count);
    if (weight) g = f32x4.mul(g, loadLanes(weight + i, count));
    // g is 0 in the lanes beyond the row.
    sum = f32x4.add(sum, g);
    product = madd(g, madd(f32x4.sub(loadLanes(x + i, count), mean), scale, shift), product);
  }
  const first = f32x4.splat(-sumLanes(sum) / <f32>args.features);
  const second = f32x4.splat(-sumLanes(product) / <f32>args.features);
  for (let i: usize = 0; i < bytes; i += 16) {
    const count = <i32>((bytes - i) >> 2);
    let g = loadLanes(dy + i, count);
    if (weight) g = f32x4.mul(g, loadLanes(weight + i, count));
    const normalized = madd(f32x4.sub(loadLanes(x + i, count), mean), scale, shift);
    storeLanes(dx + i, f32x4.mul(scale, f32x4.add(madd(normalized, second, g), first)), count);
  }
}
