import { sigmoidLanes, siluDerivative } from "./exponentials.ts";
import { loadLanes, madd, storeLanes, sumLanes } from "./lanes.ts";
import { Flag, Pointer } from "./records.ts";

// Backward of gatedRmsNorm, over each group of columns of a row. With s = silu(z), v = x · s (or v = x with normBeforeGate),
// r = 1 / sqrt(mean(v²) + eps), n = v · r, and g = dy · weight (or g = dy · weight · s):
//
//   dv = r · (g - n · mean(n · g))
//   dx = dv · s,  dz = dv · x · s'                 the gate first
//   dx = dv,      dz = dy · weight · n · s'        the norm first
//   dWeight = sum over rows of dy · n              (or dy · n · s), whose terms are written beside dx and dz

@unmanaged
export class GatedRmsNormBackwardArgs {
  dy!: Pointer; // f32 [rows, features]
  x!: Pointer; // f32 [rows, features]
  z!: Pointer; // f32 [rows, features]
  weight!: Pointer; // f32 [features]
  dx!: Pointer; // f32 [rows, features]
  dz!: Pointer; // f32 [rows, features]
  terms!: Pointer; // f32 [rows, features]
  rows!: i32;
  features!: i32;
  groups!: i32; // divides features
  dyStride!: i32;
  xStride!: i32;
  zStride!: i32;
  eps!: f32;
  normBeforeGate!: Flag;
}

/** Groups of rows in one unit: about 8192 numbers. */
@inline
function unitGroups(args: GatedRmsNormBackwardArgs): i32 {
  return max(8192 / (args.features / args.groups), 1);
}

export function gatedRmsNormBackwardUnits(args: GatedRmsNormBackwardArgs): i32 {
  const size = unitGroups(args);
  return (args.rows * args.groups + size - 1) / size;
}

export function gatedRmsNormBackwardRun(
  args: GatedRmsNormBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const size = unitGroups(args);
  const last = min(end * size, args.rows * args.groups);
  for (let index = begin * size; index < last; index++) backwardGroup(args, index / args.groups, index % args.groups);
}

function backwardGroup(args: GatedRmsNormBackwardArgs, row: i32, group: i32): void {
  const width = args.features / args.groups;
  const column = group * width;
  const dy = args.dy + ((<usize>row * args.dyStride + column) << 2);
  const x = args.x + ((<usize>row * args.xStride + column) << 2);
  const z = args.z + ((<usize>row * args.zStride + column) << 2);
  const weight = args.weight + ((<usize>column) << 2);
  const own = (<usize>row * args.features + column) << 2;
  const dx = args.dx + own;
  const dz = args.dz + own;
  const terms = args.terms + own;
  const normFirst = args.normBeforeGate;

  // dx and dz hold v and g until the sums over the group are known.
  let squares = f32x4.splat(0);
  let products = squares;
  for (let i = 0; i < width; i += 4) {
    const at = (<usize>i) << 2;
    const count = width - i;
    const gate = loadLanes(z + at, count);
    const s = f32x4.mul(gate, sigmoidLanes(gate));
    let v = loadLanes(x + at, count);
    let g = f32x4.mul(loadLanes(dy + at, count), loadLanes(weight + at, count));
    if (normFirst) g = f32x4.mul(g, s);
    else v = f32x4.mul(v, s);
    storeLanes(dx + at, v, count);
    storeLanes(dz + at, g, count);
    squares = madd(v, v, squares);
    products = madd(v, g, products);
  }
  const r = <f32>1 / sqrt<f32>(sumLanes(squares) / <f32>width + args.eps);
  const scale = f32x4.splat(r);
  const back = f32x4.splat((-r * sumLanes(products)) / <f32>width);
  for (let i = 0; i < width; i += 4) {
    const at = (<usize>i) << 2;
    const count = width - i;
    const gate = loadLanes(z + at, count);
    const s = f32x4.mul(gate, sigmoidLanes(gate));
    const slope = siluDerivative(gate);
    const n = f32x4.mul(loadLanes(dx + at, count), scale);
    const dv = f32x4.mul(scale, madd(n, back, loadLanes(dz + at, count)));
    const incoming = loadLanes(dy + at, count);
    const dNorm = f32x4.mul(incoming, n);
    if (normFirst) {
      storeLanes(dx + at, dv, count);
      storeLanes(dz + at, f32x4.mul(f32x4.mul(dNorm, loadLanes(weight + at, count)), slope), count);
      storeLanes(terms + at, f32x4.mul(dNorm, s), count);
    } else {
      storeLanes(dx + at, f32x4.mul(dv, s), count);
      storeLanes(dz + at, f32x4.mul(f32x4.mul(dv, loadLanes(x + at, count)), slope), count);
      storeLanes(terms + at, dNorm, count);
    }
  }
}
