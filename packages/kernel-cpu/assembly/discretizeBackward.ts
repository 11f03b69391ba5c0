import { sigmoidLanes, softplusLanes } from "./exponentials.ts";
import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// Backward of discretize, with u = dt + bias and w = softplus(u) computed again:
//
//   ddt = (dWeight + A · dLogDecay) · sigmoid(u) where low <= w <= high, and 0 elsewhere
//   dA  = sum over rows of dLogDecay · clamp(w, low, high), whose terms are written beside ddt
//
// The sums over rows, of ddt for the bias and of the terms of dA, are jobs of their own.

@unmanaged
export class DiscretizeBackwardArgs {
  dy!: Pointer; // f32 [rows, 2 · heads]
  dt!: Pointer; // f32 [rows, heads]
  bias!: OptionalPointer; // f32 [heads]
  A!: Pointer; // f32 [heads]
  ddt!: Pointer; // f32 [rows, heads]
  terms!: Pointer; // f32 [rows, heads]
  rows!: i32;
  heads!: i32;
  dyStride!: i32;
  dtStride!: i32;
  low!: f32;
  high!: f32;
}

/** Rows in one unit: about 4096 numbers. */
@inline
function unitRows(args: DiscretizeBackwardArgs): i32 {
  return max(4096 / args.heads, 1);
}

export function discretizeBackwardUnits(args: DiscretizeBackwardArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function discretizeBackwardRun(
  args: DiscretizeBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const heads = args.heads;
  const low = f32x4.splat(args.low);
  const high = f32x4.splat(args.high);
  for (let row = begin * rows; row < last; row++) {
    const dt = args.dt + ((<usize>row * args.dtStride) << 2);
    const dWeight = args.dy + ((<usize>row * args.dyStride) << 2);
    const dLogDecay = dWeight + ((<usize>heads) << 2);
    const ddt = args.ddt + ((<usize>row * heads) << 2);
    const terms = args.terms + ((<usize>row * heads) << 2);
    for (let h = 0; h < heads; h += 4) {
      const at = (<usize>h) << 2;
      const count = heads - h;
      let u = loadLanes(dt + at, count);
      if (args.bias) u = f32x4.add(u, loadLanes(args.bias + at, count));
      const w = softplusLanes(u);
      const decay = loadLanes(dLogDecay + at, count);
      const total = madd(decay, loadLanes(args.A + at, count), loadLanes(dWeight + at, count));
      const clamped = v128.or(f32x4.lt(w, low), f32x4.gt(w, high)); // not a NaN, which is passed on
      storeLanes(ddt + at, v128.andnot(f32x4.mul(total, sigmoidLanes(u)), clamped), count);
      storeLanes(terms + at, f32x4.mul(decay, f32x4.min(f32x4.max(w, low), high)), count);
    }
  }
}
