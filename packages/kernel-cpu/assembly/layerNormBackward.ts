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
// A unit is UNIT_ROWS rows. It writes its own sums for dWeight and dBias, which sumRows adds up.

export const UNIT_ROWS: i32 = 32;

@unmanaged
export class LayerNormBackwardArgs {
  dy!: Pointer; // f32 [rows, features]
  x!: Pointer; // f32 [rows, features]
  weight!: OptionalPointer; // f32 [features]
  dx!: Pointer; // f32 [rows, features]
  dWeight!: OptionalPointer; // f32 [units, features]
  dBias!: OptionalPointer; // f32 [units, features]
  rows!: i32;
  features!: i32;
  dyStride!: i32;
  xStride!: i32;
  eps!: f32;
}

export function layerNormBackwardUnits(args: LayerNormBackwardArgs): i32 {
  return (args.rows + UNIT_ROWS - 1) / UNIT_ROWS;
}

export function layerNormBackwardScratch(args: LayerNormBackwardArgs): i32 {
  return offsetof<RowStatistics>();
}

export function layerNormBackwardRun(
  args: LayerNormBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const bytes: usize = args.features << 2;
  const statistics = changetype<RowStatistics>(scratch);
  for (let unit = begin; unit < end; unit++) {
    const dWeight = args.dWeight ? args.dWeight + <usize>unit * bytes : 0;
    const dBias = args.dBias ? args.dBias + <usize>unit * bytes : 0;
    if (dWeight) memory.fill(dWeight, 0, bytes);
    if (dBias) memory.fill(dBias, 0, bytes);
    const last = min((unit + 1) * UNIT_ROWS, args.rows);
    for (let row = unit * UNIT_ROWS; row < last; row++) {
      const dy = args.dy + ((<usize>row * args.dyStride) << 2);
      const x = args.x + ((<usize>row * args.xStride) << 2);
      rowStatistics(x, args.features, args.eps, statistics);
      backwardRow(dy, x, args.weight, args.dx + <usize>row * bytes, bytes, dWeight, dBias, statistics);
    }
  }
}

/** Writes dx of one row and adds to dWeight and dBias unless they are 0. */
function backwardRow(
  dy: usize,
  x: usize,
  weight: usize,
  dx: usize,
  bytes: usize,
  dWeight: usize,
  dBias: usize,
  statistics: RowStatistics,
): void {
  const mean = f32x4.splat(statistics.mean);
  const scale = f32x4.splat(statistics.scale);
  const shift = f32x4.splat(statistics.shift);
  const features = <f32>(bytes >> 2);
  const whole = bytes & ~15;
  let sum = f32x4.splat(0);
  let product = sum;
  let i: usize = 0;
  // dx holds n in between.
  if (weight && dWeight && dBias) {
    for (; i < whole; i += 16) {
      const g = v128.load(dy + i);
      const n = madd(f32x4.sub(v128.load(x + i), mean), scale, shift);
      v128.store(dWeight + i, madd(g, n, v128.load(dWeight + i)));
      v128.store(dBias + i, f32x4.add(g, v128.load(dBias + i)));
      const weighted = f32x4.mul(g, v128.load(weight + i));
      sum = f32x4.add(sum, weighted);
      product = madd(weighted, n, product);
      v128.store(dx + i, n);
    }
  }
  for (; i < bytes; i += 16) {
    const count = <i32>((bytes - i) >> 2);
    let g = loadLanes(dy + i, count);
    const n = madd(f32x4.sub(loadLanes(x + i, count), mean), scale, shift);
    if (dWeight) storeLanes(dWeight + i, madd(g, n, loadLanes(dWeight + i, count)), count);
    if (dBias) storeLanes(dBias + i, f32x4.add(g, loadLanes(dBias + i, count)), count);
    if (weight) g = f32x4.mul(g, loadLanes(weight + i, count));
    // g is 0 in the lanes beyond the row.
    sum = f32x4.add(sum, g);
    product = madd(g, n, product);
    storeLanes(dx + i, n, count);
  }
  const first = f32x4.splat(-sumLanes(sum) / features);
  const second = f32x4.splat(-sumLanes(product) / features);
  i = 0;
  if (weight) {
    for (; i < whole; i += 16) {
      const g = f32x4.mul(v128.load(dy + i), v128.load(weight + i));
      v128.store(dx + i, f32x4.mul(scale, f32x4.add(madd(v128.load(dx + i), second, g), first)));
    }
  }
  for (; i < bytes; i += 16) {
    const count = <i32>((bytes - i) >> 2);
    let g = loadLanes(dy + i, count);
    if (weight) g = f32x4.mul(g, loadLanes(weight + i, count));
    storeLanes(dx + i, f32x4.mul(scale, f32x4.add(madd(loadLanes(dx + i, count), second, g), first)), count);
  }
}
