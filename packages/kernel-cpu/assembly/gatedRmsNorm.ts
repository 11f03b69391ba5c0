import { siluLanes } from "./exponentials.ts";
import { loadLanes, madd, storeLanes, sumLanes } from "./lanes.ts";
import { Flag, Pointer } from "./records.ts";

// Over each of `groups` equal column ranges of a row, with norm(v) = v / sqrt(mean(v²) + eps):
//
//   y = weight · norm(x · silu(z)), or with normBeforeGate
//   y = weight · norm(x) · silu(z)

@unmanaged
export class GatedRmsNormArgs {
  x!: Pointer; // f32 [rows, features]
  z!: Pointer; // f32 [rows, features]
  weight!: Pointer; // f32 [features]
  y!: Pointer; // f32 [rows, features]
  rows!: i32; // may be 0
  features!: i32;
  groups!: i32; // divides features
  xStride!: i32;
  zStride!: i32;
  eps!: f32;
  normBeforeGate!: Flag;
}

/** Groups of rows in one unit: about 8192 numbers. */
@inline
function unitGroups(args: GatedRmsNormArgs): i32 {
  return max(8192 / (args.features / args.groups), 1);
}

export function gatedRmsNormUnits(args: GatedRmsNormArgs): i32 {
  const size = unitGroups(args);
  return (args.rows * args.groups + size - 1) / size;
}

export function gatedRmsNormRun(args: GatedRmsNormArgs, begin: i32, end: i32, scratch: usize): void {
  const size = unitGroups(args);
  const last = min(end * size, args.rows * args.groups);
  const width = args.features / args.groups;
  for (let index = begin * size; index < last; index++) {
    const row = index / args.groups;
    const column = (index % args.groups) * width;
    const x = args.x + ((<usize>row * args.xStride + column) << 2);
    const z = args.z + ((<usize>row * args.zStride + column) << 2);
    const y = args.y + ((<usize>row * args.features + column) << 2);
    const weight = args.weight + ((<usize>column) << 2);
    if (args.normBeforeGate) normThenGate(x, z, weight, y, width, args.eps);
    else gateThenNorm(x, z, weight, y, width, args.eps);
  }
}

/** y holds the gated values until the sum of their squares is known. */
function gateThenNorm(x: usize, z: usize, weight: usize, y: usize, width: i32, eps: f32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let i = 0;
  for (; i <= width - 8; i += 8) {
    const at = (<usize>i) << 2;
    const u0 = f32x4.mul(v128.load(x + at), siluLanes(v128.load(z + at)));
    const u1 = f32x4.mul(v128.load(x + at, 16), siluLanes(v128.load(z + at, 16)));
    v128.store(y + at, u0);
    v128.store(y + at, u1, 16);
    s0 = madd(u0, u0, s0);
    s1 = madd(u1, u1, s1);
  }
  for (; i < width; i += 4) {
    const at = (<usize>i) << 2;
    const u = f32x4.mul(loadLanes(x + at, width - i), siluLanes(loadLanes(z + at, width - i)));
    storeLanes(y + at, u, width - i);
    s0 = madd(u, u, s0);
  }
  const mean = sumLanes(f32x4.add(s0, s1)) / <f32>width;
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(mean + eps));
  for (i = 0; i < width; i += 4) {
    const at = (<usize>i) << 2;
    const normed = f32x4.mul(loadLanes(y + at, width - i), factor);
    storeLanes(y + at, f32x4.mul(normed, loadLanes(weight + at, width - i)), width - i);
  }
}

function normThenGate(x: usize, z: usize, weight: usize, y: usize, width: i32, eps: f32): void {
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(meanSquare(x, width) + eps));
  for (let i = 0; i < width; i += 4) {
    const at = (<usize>i) << 2;
    const normed = f32x4.mul(loadLanes(x + at, width - i), factor);
    const gated = f32x4.mul(normed, siluLanes(loadLanes(z + at, width - i)));
    storeLanes(y + at, f32x4.mul(gated, loadLanes(weight + at, width - i)), width - i);
  }
}

/** The mean of the squares of `width` numbers. */
@inline
export function meanSquare(x: usize, width: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let i = 0;
  for (; i <= width - 8; i += 8) {
    const at = (<usize>i) << 2;
    const x0 = v128.load(x + at);
    const x1 = v128.load(x + at, 16);
    s0 = madd(x0, x0, s0);
    s1 = madd(x1, x1, s1);
  }
  for (; i < width; i += 4) {
    const x0 = loadLanes(x + ((<usize>i) << 2), width - i);
    s0 = madd(x0, x0, s0);
  }
  return sumLanes(f32x4.add(s0, s1)) / <f32>width;
}
