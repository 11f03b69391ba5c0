import { expLanes, sigmoidComplement } from "./exponentials.ts";
import { GatedNormInputs } from "./gatedRmsNorm.ts";
import { loadLanes, madd, storeLanes, sumLanes } from "./lanes.ts";
import { Pointer } from "./records.ts";

// Backward of gatedRmsNorm, with s = silu(z), v = x · s, or v = x with normBeforeGate, r = 1 / sqrt(mean(v²) + eps) and n = v · r:
//
//   e  = dy · weight, or dy · weight · s with normBeforeGate
//   dv = r · (e - n · mean(e · n))
//   dx = dv · s, dz = dv · x · silu'(z), dWeight = sum of dy · n           or, with normBeforeGate,
//   dx = dv, dz = dy · weight · n · silu'(z), dWeight = sum of dy · n · s
//
// A unit is UNIT_ROWS rows. It writes its own sums for dWeight, which the host adds up.

export const UNIT_ROWS: i32 = 32;

@unmanaged
export class GatedRmsNormBackwardArgs extends GatedNormInputs {
  dy!: Pointer; // f32 [rows, features]
  dyStride!: i32;
  dx!: Pointer; // f32 [rows, features]
  dz!: Pointer; // f32 [rows, features]
  dWeight!: Pointer; // f32 [units, features]: partial sums
}

export function gatedRmsNormBackwardUnits(args: GatedRmsNormBackwardArgs): i32 {
  return (args.rows + UNIT_ROWS - 1) / UNIT_ROWS;
}

export function gatedRmsNormBackwardRun(args: GatedRmsNormBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const width = args.features / args.groups;
  const bytes = (<usize>width) << 2;
  const rowBytes = (<usize>args.features) << 2;
  for (let unit = begin; unit < end; unit++) {
    const sums = args.dWeight + <usize>unit * rowBytes;
    memory.fill(sums, 0, rowBytes);
    const last = min((unit + 1) * UNIT_ROWS, args.rows);
    for (let row = unit * UNIT_ROWS; row < last; row++) {
      const x = args.x + ((<usize>row * args.xStride) << 2);
      const z = args.z + ((<usize>row * args.zStride) << 2);
      const dy = args.dy + ((<usize>row * args.dyStride) << 2);
      const to = <usize>row * rowBytes;
      for (let at: usize = 0; at < rowBytes; at += bytes) {
        const weight = args.weight + at;
        const dx = args.dx + to + at;
        const dz = args.dz + to + at;
        if (args.normBeforeGate) backwardGroup(dy + at, x + at, z + at, weight, dx, dz, sums + at, width, args.eps, true);
        else backwardGroup(dy + at, x + at, z + at, weight, dx, dz, sums + at, width, args.eps, false);
      }
    }
  }
}

/** Writes dx and dz of one group of columns of a row, and adds to dWeight. dx and dz hold silu(z) and silu'(z) in between. */
@inline
function backwardGroup(
  dy: usize,
  x: usize,
  z: usize,
  weight: usize,
  dx: usize,
  dz: usize,
  dWeight: usize,
  width: i32,
  eps: f32,
  normFirst: bool,
): void {
  const end = (<usize>width) << 2;
  let squares = f32x4.splat(0);
  let products = squares;
  for (let i: usize = 0; i < end; i += 16) {
    const count = <i32>((end - i) >> 2);
    const input = loadLanes(x + i, count);
    const gate = loadLanes(z + i, count);
    const one = f32x4.splat(1.0);
    const power = expLanes(f32x4.neg(gate));
    const s = f32x4.div(one, f32x4.add(one, power));
    const silu = f32x4.mul(gate, s);
    storeLanes(dx + i, silu, count);
    storeLanes(dz + i, madd(silu, sigmoidComplement(power, s), s), count);
    let e = f32x4.mul(loadLanes(dy + i, count), loadLanes(weight + i, count));
    let v = input;
    if (normFirst) e = f32x4.mul(e, silu);
    else v = f32x4.mul(v, silu);
    squares = madd(v, v, squares);
    products = madd(e, v, products);
  }
  const r = <f32>1 / sqrt<f32>(sumLanes(squares) / <f32>width + eps);
  const scale = f32x4.splat(r);
  const back = f32x4.splat(-r * (sumLanes(products) / <f32>width));
  for (let i: usize = 0; i < end; i += 16) {
    const count = <i32>((end - i) >> 2);
    const input = loadLanes(x + i, count);
    const silu = loadLanes(dx + i, count);
    const slope = loadLanes(dz + i, count);
    const g = loadLanes(dy + i, count);
    const weighted = f32x4.mul(g, loadLanes(weight + i, count));
    const e = normFirst ? f32x4.mul(weighted, silu) : weighted;
    const n = f32x4.mul(normFirst ? input : f32x4.mul(input, silu), scale);
    const dv = f32x4.mul(scale, madd(n, back, e));
    storeLanes(dx + i, normFirst ? dv : f32x4.mul(dv, silu), count);
    storeLanes(dz + i, f32x4.mul(normFirst ? f32x4.mul(weighted, n) : f32x4.mul(dv, input), slope), count);
    const normed = normFirst ? f32x4.mul(n, silu) : n;
    storeLanes(dWeight + i, madd(g, normed, loadLanes(dWeight + i, count)), count);
  }
}
