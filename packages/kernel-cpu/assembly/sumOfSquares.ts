import { loadLanes } from "./lanes.ts";
import { Pointer } from "./records.ts";
import { CHUNK_ELEMENTS, entryOf, TensorTable } from "./tensorTable.ts";

// y = the sum of x² over all elements of all tensors. Each unit writes its sum in f64, and a second job, sumOfSquaresTotal, adds
// them in order.

@unmanaged
export class SumOfSquaresArgs extends TensorTable {
  sums!: Pointer; // f64 [units]
  y!: Pointer; // f32 [1]
}

export function sumOfSquaresUnits(args: SumOfSquaresArgs): i32 {
  return args.units;
}

export function sumOfSquaresRun(args: SumOfSquaresArgs, begin: i32, end: i32, scratch: usize): void {
  for (let unit = begin; unit < end; unit++) {
    const entry = entryOf(args, unit);
    const index = unit - entry.firstUnit;
    let sum: f64 = 0;
    if (entry.rows == 1) {
      const first = index * CHUNK_ELEMENTS;
      sum = squares(entry.x + ((<usize>first) << 2), min(entry.features - first, CHUNK_ELEMENTS));
    } else {
      const rows = max(CHUNK_ELEMENTS / entry.features, 1);
      const last = min((index + 1) * rows, entry.rows);
      for (let row = index * rows; row < last; row++) {
        sum += squares(entry.x + ((<usize>row * entry.stride) << 2), entry.features);
      }
    }
    store<f64>(args.sums + ((<usize>unit) << 3), sum);
  }
}

function squares(x: usize, count: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  const end = x + ((<usize>count) << 2);
  for (; x < end; x += 16) {
    const lanes = loadLanes(x, <i32>((end - x) >> 2));
    const low = f64x2.promote_low_f32x4(lanes);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(lanes, lanes, 2, 3, 0, 1));
    s0 = f64x2.add(s0, f64x2.mul(low, low));
    s1 = f64x2.add(s1, f64x2.mul(high, high));
  }
  const sum = f64x2.add(s0, s1);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

export function sumOfSquaresTotalUnits(args: SumOfSquaresArgs): i32 {
  return 1;
}

/** Adds the sums of the units. */
export function sumOfSquaresTotalRun(args: SumOfSquaresArgs, begin: i32, end: i32, scratch: usize): void {
  let sum: f64 = 0;
  for (let unit = 0; unit < args.units; unit++) sum += load<f64>(args.sums + ((<usize>unit) << 3));
  store<f32>(args.y, <f32>sum);
}
