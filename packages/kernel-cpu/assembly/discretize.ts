import { softplusLanes } from "./exponentials.ts";
import { loadLanes, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// weight = clamp(softplus(dt + bias), min, max), logDecay = weight · A. A row of the result has the weights of all heads, then their logDecay.

@unmanaged
export class DiscretizeInputs {
  dt!: Pointer; // f32 [rows, heads]
  bias!: OptionalPointer; // f32 [heads]
  A!: Pointer; // f32 [heads]
  rows!: i32; // may be 0
  heads!: i32;
  dtStride!: i32;
  min!: f32;
  max!: f32;
}

@unmanaged
export class DiscretizeArgs extends DiscretizeInputs {
  y!: Pointer; // f32 [rows, 2 · heads]
}

/** Rows of one unit: about 4096 numbers. */
@inline
function unitRows(args: DiscretizeInputs): i32 {
  return max(4096 / args.heads, 1);
}

/** Returns the four inputs of softplus from head h on: 0 beyond the last head. */
@inline
export function stepLanes(args: DiscretizeInputs, dt: usize, h: i32): v128 {
  const x = loadLanes(dt + ((<usize>h) << 2), args.heads - h);
  return args.bias ? f32x4.add(x, loadLanes(args.bias + ((<usize>h) << 2), args.heads - h)) : x;
}

export function discretizeUnits(args: DiscretizeArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function discretizeRun(args: DiscretizeArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const heads = args.heads;
  const least = f32x4.splat(args.min);
  const most = f32x4.splat(args.max);
  for (let row = begin * rows; row < last; row++) {
    const dt = args.dt + ((<usize>row * args.dtStride) << 2);
    const weights = args.y + ((<usize>row * heads) << 3);
    const decays = weights + ((<usize>heads) << 2);
    for (let h = 0; h < heads; h += 4) {
      const at = (<usize>h) << 2;
      const weight = f32x4.min(f32x4.max(softplusLanes(stepLanes(args, dt, h)), least), most);
      storeLanes(weights + at, weight, heads - h);
      storeLanes(decays + at, f32x4.mul(weight, loadLanes(args.A + at, heads - h)), heads - h);
    }
  }
}
