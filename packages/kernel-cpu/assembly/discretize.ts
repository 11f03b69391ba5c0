import { softplusLanes } from "./exponentials.ts";
import { loadLanes, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// weight = clamp(softplus(dt + bias), low, high), logDecay = weight · A: rows [weight | logDecay]

@unmanaged
export class DiscretizeArgs {
  dt!: Pointer; // f32 [rows, heads]
  bias!: OptionalPointer; // f32 [heads]
  A!: Pointer; // f32 [heads]
  y!: Pointer; // f32 [rows, 2 · heads]
  rows!: i32; // may be 0
  heads!: i32;
  dtStride!: i32;
  low!: f32;
  high!: f32; // may be infinite
}

/** Rows in one unit: about 4096 numbers. */
@inline
function unitRows(args: DiscretizeArgs): i32 {
  return max(4096 / args.heads, 1);
}

export function discretizeUnits(args: DiscretizeArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function discretizeRun(args: DiscretizeArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const heads = args.heads;
  const low = f32x4.splat(args.low);
  const high = f32x4.splat(args.high);
  for (let row = begin * rows; row < last; row++) {
    const dt = args.dt + ((<usize>row * args.dtStride) << 2);
    const weight = args.y + ((<usize>row * heads) << 3);
    const logDecay = weight + ((<usize>heads) << 2);
    for (let h = 0; h < heads; h += 4) {
      const at = (<usize>h) << 2;
      const count = heads - h;
      let x = loadLanes(dt + at, count);
      if (args.bias) x = f32x4.add(x, loadLanes(args.bias + at, count));
      const w = f32x4.min(f32x4.max(softplusLanes(x), low), high);
      storeLanes(weight + at, w, count);
      storeLanes(logDecay + at, f32x4.mul(w, loadLanes(args.A + at, count)), count);
    }
  }
}
