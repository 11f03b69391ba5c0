import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { Flag, Pointer } from "./records.ts";
import { sineAndCosine } from "./sine.ts";

// Pair i of a head, (a, b) = (x[i], x[i + S]) or (x[2i], x[2i + 1]), becomes (a cos - b sin, a sin + b cos) of its angle. The columns from 2S
// on are copied. With angles shared by the heads, their sines are computed once for a position.

@unmanaged
export class RotaryArgs {
  x!: Pointer; // f32 [rows, heads · headDim]
  angles!: Pointer; // f32 [rows, pairs], or [rows, heads · pairs]
  rows!: i32;
  heads!: i32;
  headDim!: i32;
  pairs!: i32;
  xStride!: i32;
  anglesStride!: i32;
  perHead!: Flag;
  interleaved!: Flag;
  inverse!: Flag; // rotates by the negative angles
}

@unmanaged
export class RotaryForwardArgs extends RotaryArgs {
  y!: Pointer; // f32 [rows, heads · headDim]
}

/** Elements of x in one unit. */
const UNIT: i32 = 8192;

@inline
export function unitRows(args: RotaryArgs): i32 {
  return max(UNIT / (args.heads * args.headDim), 1);
}

export function rotaryUnits(args: RotaryForwardArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

/** Bytes of the sines, or the cosines, of a position, in whole registers. */
@inline
export function sineBytes(args: RotaryArgs): i32 {
  const count = args.perHead ? args.heads * args.pairs : args.pairs;
  return ((count + 3) & ~3) << 2;
}

export function rotaryScratch(args: RotaryForwardArgs): i32 {
  return 2 * sineBytes(args);
}

/** Writes the sines, negative for the inverse, and the cosines of a position. */
export function loadSines(args: RotaryArgs, row: i32, to: usize): void {
  const count = args.perHead ? args.heads * args.pairs : args.pairs;
  const cosines = to + sineBytes(args);
  const angles = args.angles + ((<usize>row * args.anglesStride) << 2);
  for (let i = 0; i < count; i += 4) {
    const at = (<usize>i) << 2;
    sineAndCosine(loadLanes(angles + at, count - i), to + at, cosines + at);
    if (args.inverse) v128.store(to + at, f32x4.neg(v128.load(to + at)));
  }
}

export function rotaryRun(args: RotaryForwardArgs, begin: i32, end: i32, scratch: usize): void {
  const size = unitRows(args);
  const last = min(end * size, args.rows);
  const bytes = (<usize>args.headDim) << 2;
  const cosines = <usize>sineBytes(args);
  for (let row = begin * size; row < last; row++) {
    loadSines(args, row, scratch);
    let x = args.x + ((<usize>row * args.xStride) << 2);
    let y = args.y + <usize>row * args.heads * bytes;
    let sines = scratch;
    for (let h = 0; h < args.heads; h++) {
      if (args.interleaved) rotateNeighbours(x, sines, sines + cosines, args.pairs, y);
      else rotateHalves(x, sines, sines + cosines, args.pairs, y);
      const done = (<usize>args.pairs) << 3;
      memory.copy(y + done, x + done, bytes - done);
      if (args.perHead) sines += (<usize>args.pairs) << 2;
      x += bytes;
      y += bytes;
    }
  }
}

function rotateHalves(x: usize, sines: usize, cosines: usize, pairs: i32, y: usize): void {
  const half = (<usize>pairs) << 2;
  for (let i = 0; i < pairs; i += 4) {
    const at = (<usize>i) << 2;
    const left = pairs - i;
    const sine = loadLanes(sines + at, left);
    const cosine = loadLanes(cosines + at, left);
    const a = loadLanes(x + at, left);
    const b = loadLanes(x + half + at, left);
    storeLanes(y + at, f32x4.sub(f32x4.mul(a, cosine), f32x4.mul(b, sine)), left);
    storeLanes(y + half + at, madd(a, sine, f32x4.mul(b, cosine)), left);
  }
}

function rotateNeighbours(x: usize, sines: usize, cosines: usize, pairs: i32, y: usize): void {
  for (let i: usize = 0; i < <usize>pairs; i++) {
    const at = i << 2;
    const sine = load<f32>(sines + at);
    const cosine = load<f32>(cosines + at);
    const a = load<f32>(x + 2 * at);
    const b = load<f32>(x + 2 * at, 4);
    store<f32>(y + 2 * at, a * cosine - b * sine);
    store<f32>(y + 2 * at, a * sine + b * cosine, 4);
  }
}
