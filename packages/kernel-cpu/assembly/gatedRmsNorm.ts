import { siluLanes } from "./exponentials.ts";
import { loadLanes, madd, storeLanes, sumLanes } from "./lanes.ts";
import { Flag, Pointer } from "./records.ts";

// RMS norm of each group of columns, with a gate: norm(v) = v / sqrt(mean(v²) + eps),
//
//   y = weight · norm(x · silu(z)), or weight · norm(x) · silu(z) with normBeforeGate

@unmanaged
export class GatedNormInputs {
  x!: Pointer; // f32 [rows, features]
  z!: Pointer; // f32 [rows, features]
  weight!: Pointer; // f32 [features]
  rows!: i32; // may be 0
  features!: i32;
  groups!: i32; // divides features
  xStride!: i32;
  zStride!: i32;
  eps!: f32;
  normBeforeGate!: Flag;
}

@unmanaged
export class GatedRmsNormArgs extends GatedNormInputs {
  y!: Pointer; // f32 [rows, features]
}

/** Rows in one unit: about 8192 numbers. */
@inline
function unitRows(args: GatedRmsNormArgs): i32 {
  return max(8192 / args.features, 1);
}

export function gatedRmsNormUnits(args: GatedRmsNormArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function gatedRmsNormRun(args: GatedRmsNormArgs, begin: i32, end: i32, scratch: usize): void {
  const rows = unitRows(args);
  const last = min(end * rows, args.rows);
  const width = args.features / args.groups;
  const bytes = (<usize>width) << 2;
  for (let row = begin * rows; row < last; row++) {
    let x = args.x + ((<usize>row * args.xStride) << 2);
    let z = args.z + ((<usize>row * args.zStride) << 2);
    let y = args.y + ((<usize>row * args.features) << 2);
    let weight = args.weight;
    for (let group = 0; group < args.groups; group++) {
      if (args.normBeforeGate) normGroup(x, z, weight, y, width, args.eps, true);
      else normGroup(x, z, weight, y, width, args.eps, false);
      x += bytes;
      z += bytes;
      y += bytes;
      weight += bytes;
    }
  }
}

/** Computes one group. y holds x · silu(z) in between. */
@inline
function normGroup(x: usize, z: usize, weight: usize, y: usize, width: i32, eps: f32, normFirst: bool): void {
  const end = (<usize>width) << 2;
  const pairs = end & ~31;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let i: usize = 0;
  // Two independent exponentials at a time, for the reason given in activations.ts.
  for (; i < pairs; i += 32) {
    const x0 = v128.load(x + i);
    const x1 = v128.load(x + i, 16);
    const u0 = f32x4.mul(x0, siluLanes(v128.load(z + i)));
    const u1 = f32x4.mul(x1, siluLanes(v128.load(z + i, 16)));
    v128.store(y + i, u0);
    v128.store(y + i, u1, 16);
    const n0 = normFirst ? x0 : u0;
    const n1 = normFirst ? x1 : u1;
    s0 = madd(n0, n0, s0);
    s1 = madd(n1, n1, s1);
  }
  for (; i < end; i += 16) {
    const count = <i32>((end - i) >> 2);
    const x0 = loadLanes(x + i, count);
    const u0 = f32x4.mul(x0, siluLanes(loadLanes(z + i, count)));
    storeLanes(y + i, u0, count);
    const n0 = normFirst ? x0 : u0;
    s0 = madd(n0, n0, s0);
  }
  const scale = f32x4.splat(<f32>1 / sqrt<f32>(sumLanes(f32x4.add(s0, s1)) / <f32>width + eps));
  for (i = 0; i < pairs; i += 32) {
    v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(y + i), scale), v128.load(weight + i)));
    v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(y + i, 16), scale), v128.load(weight + i, 16)), 16);
  }
  for (; i < end; i += 16) {
    const count = <i32>((end - i) >> 2);
    const scaled = f32x4.mul(loadLanes(y + i, count), scale);
    storeLanes(y + i, f32x4.mul(scaled, loadLanes(weight + i, count)), count);
  }
}
