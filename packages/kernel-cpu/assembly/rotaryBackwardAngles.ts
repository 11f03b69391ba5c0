import { Pointer } from "./records.ts";
import { loadSines, RotaryArgs, sineBytes, unitRows } from "./rotary.ts";

// With the results (p, q) of a pair, dAngle = q' · p - p' · q for the gradients (p', q') of the results; negative for the inverse. Summed
// over the heads that share an angle.

@unmanaged
export class RotaryBackwardAnglesArgs extends RotaryArgs {
  dy!: Pointer; // f32 [rows, heads · headDim]
  dAngles!: Pointer; // f32, in the shape of angles
  dyStride!: i32;
}

export function rotaryBackwardAnglesUnits(args: RotaryBackwardAnglesArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function rotaryBackwardAnglesScratch(args: RotaryBackwardAnglesArgs): i32 {
  return 2 * sineBytes(args);
}

export function rotaryBackwardAnglesRun(
  args: RotaryBackwardAnglesArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const size = unitRows(args);
  const last = min(end * size, args.rows);
  const bytes = (<usize>args.headDim) << 2;
  const count = (<usize>(args.perHead ? args.heads * args.pairs : args.pairs)) << 2;
  const half = (<usize>args.pairs) << 2;
  // Distances from column i of a pair to that of pair i + 1, and to the other column.
  const step: usize = args.interleaved ? 8 : 4;
  const apart: usize = args.interleaved ? 4 : half;
  for (let row = begin * size; row < last; row++) {
    loadSines(args, row, scratch);
    let x = args.x + ((<usize>row * args.xStride) << 2);
    let dy = args.dy + ((<usize>row * args.dyStride) << 2);
    let sines = scratch;
    let to = args.dAngles + <usize>row * count;
    memory.fill(to, 0, count);
    for (let h = 0; h < args.heads; h++) {
      for (let i: usize = 0; i < half; i += 4) {
        const sine = load<f32>(sines + i);
        const cosine = load<f32>(sines + sineBytes(args) + i);
        const at = (i >> 2) * step;
        const a = load<f32>(x + at);
        const b = load<f32>(x + at + apart);
        const p = a * cosine - b * sine;
        const q = a * sine + b * cosine;
        const slope = load<f32>(dy + at + apart) * p - load<f32>(dy + at) * q;
        store<f32>(to + i, load<f32>(to + i) + (args.inverse ? -slope : slope));
      }
      if (args.perHead) {
        sines += half;
        to += half;
      }
      x += bytes;
      dy += bytes;
    }
  }
}
