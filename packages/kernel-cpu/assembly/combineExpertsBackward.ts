import { dot } from "./dots.ts";
import { loadPartial, storePartial } from "./lanes.ts";
import { Pointer } from "./records.ts";

// dy[r, j] = weights[r, j] · dOut[r] and dWeights[r, j] = y[r, j] · dOut[r]

@unmanaged
export class CombineExpertsBackwardArgs {
  dOut!: Pointer; // f32 [rows, features]
  y!: Pointer; // f32 [rows, perToken, features]
  weights!: Pointer; // f32 [rows, perToken]
  dy!: Pointer; // f32 [rows, perToken, features]
  dWeights!: Pointer; // f32 [rows, perToken]
  rows!: i32;
  perToken!: i32;
  features!: i32;
  dOutStride!: i32;
  yStride!: i32;
  weightsStride!: i32;
}

/** Elements of y in one unit. */
const UNIT: i32 = 16384;

@inline
function unitRows(args: CombineExpertsBackwardArgs): i32 {
  return max(UNIT / (args.perToken * args.features), 1);
}

export function combineExpertsBackwardUnits(args: CombineExpertsBackwardArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function combineExpertsBackwardRun(
  args: CombineExpertsBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const size = unitRows(args);
  const last = min(end * size, args.rows);
  for (let row = begin * size; row < last; row++) {
    const dOut = args.dOut + ((<usize>row * args.dOutStride) << 2);
    for (let j = 0; j < args.perToken; j++) {
      const choice = <usize>(row * args.perToken + j);
      const weight = load<f32>(args.weights + ((<usize>(row * args.weightsStride + j)) << 2));
      multiplyRow(dOut, weight, args.dy + ((choice * args.features) << 2), args.features);
      const product = dot(dOut, args.y + ((choice * args.yStride) << 2), args.features);
      store<f32>(args.dWeights + (choice << 2), product);
    }
  }
}

/** to = x · factor */
function multiplyRow(x: usize, factor: f32, to: usize, count: i32): void {
  const lanes = f32x4.splat(factor);
  for (; count >= 4; count -= 4) {
    v128.store(to, f32x4.mul(v128.load(x), lanes));
    x += 16;
    to += 16;
  }
  if (count > 0) storePartial(to, f32x4.mul(loadPartial(x, count), lanes), count);
}
