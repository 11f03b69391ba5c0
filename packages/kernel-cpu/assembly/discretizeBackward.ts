import { DiscretizeInputs, stepLanes } from "./discretize.ts";
import { expLanes, sigmoidOf, softplusOf } from "./exponentials.ts";
import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// Backward of discretize, with s = dt + bias:
//
//   dDt = (dWeight + dLogDecay · A) · sigmoid(s) where min <= softplus(s) <= max, otherwise 0
//   dA  = sum of dLogDecay · weight          dBias = sum of dDt
//
// A unit has its own partial sums, which the host adds up.

@unmanaged
export class DiscretizeBackwardArgs extends DiscretizeInputs {
  dy!: Pointer; // f32 [rows, 2 · heads]
  dyStride!: i32;
  dDt!: Pointer; // f32 [rows, heads]
  dA!: Pointer; // f32 [units, heads]: partial sums
  dBias!: OptionalPointer; // f32 [units, heads]: partial sums; present when bias is
  unitRows!: i32; // rows of one unit
}

export function discretizeBackwardUnits(args: DiscretizeBackwardArgs): i32 {
  return (args.rows + args.unitRows - 1) / args.unitRows;
}

export function discretizeBackwardRun(args: DiscretizeBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const heads = args.heads;
  const least = f32x4.splat(args.min);
  const most = f32x4.splat(args.max);
  for (let unit = begin; unit < end; unit++) {
    const first = unit * args.unitRows;
    const last = min(first + args.unitRows, args.rows);
    const sums = (<usize>unit * heads) << 2;
    for (let h = 0; h < heads; h += 4) {
      const at = (<usize>h) << 2;
      const count = heads - h;
      const A = loadLanes(args.A + at, count);
      let dA = f32x4.splat(0);
      let dBias = dA;
      for (let row = first; row < last; row++) {
        const s = stepLanes(args, args.dt + ((<usize>row * args.dtStride) << 2), h);
        const t = expLanes(f32x4.neg(f32x4.abs(s)));
        const steps = softplusOf(s, t);
        const weight = f32x4.min(f32x4.max(steps, least), most);
        const dy = args.dy + ((<usize>row * args.dyStride) << 2) + at;
        const dDecay = loadLanes(dy + ((<usize>heads) << 2), count);
        const g = f32x4.mul(madd(dDecay, A, loadLanes(dy, count)), sigmoidOf(s, t));
        const clamped = v128.or(f32x4.lt(steps, least), f32x4.gt(steps, most));
        const dDt = v128.andnot(g, clamped);
        dA = madd(dDecay, weight, dA);
        dBias = f32x4.add(dBias, dDt);
        storeLanes(args.dDt + ((<usize>row * heads) << 2) + at, dDt, count);
      }
      storeLanes(args.dA + sums + at, dA, count);
      if (args.bias) storeLanes(args.dBias + sums + at, dBias, count);
    }
  }
}
