// Ops that treat every element alike. A dense tensor comes as one long row. A unit is a block of at most 4096 elements:
// a piece of a long row, or several short rows.
//
// add           y = a + b
// mul           y = a * b
// scale         y = a * factor
// silu          y = a / (1 + exp(-a))
// siluBackward  y = a * s * (1 + b * (1 - s)), s = 1 / (1 + exp(-b))
// accumulate    y = y + a * factor
// negExp        y = -exp(a)
// flip          y[b, l] = a[b, L-1-l]; here a unit is a row

import { expLanes, madd, siluDerivative, siluLanes } from "./math";

@unmanaged
export class ElementwiseArgs {
  /*  0 */ a!: usize; // f32
  /*  1 */ b!: usize; // f32; add, mul and siluBackward only
  /*  2 */ y!: usize; // f32
  /*  3 */ rows!: i32;
  /*  4 */ features!: i32;
  /*  5 */ aStride!: i32;
  /*  6 */ bStride!: i32;
  /*  7 */ factor!: f32; // scale and accumulate only
  /*  8 */ yStride!: i32;
}

@unmanaged
export class FlipArgs {
  /*  0 */ x!: usize; // f32
  /*  1 */ y!: usize; // f32, dense
  /*  2 */ batch!: i32;
  /*  3 */ length!: i32;
  /*  4 */ channels!: i32;
  /*  5 */ xStride!: i32;
}

const BLOCK: i32 = 4096;

const ADD: i32 = 0;
const MUL: i32 = 1;
const SCALE: i32 = 2;
const SILU: i32 = 3;
const NEG_EXP: i32 = 4;
const SILU_BACKWARD: i32 = 5;
const ACCUMULATE: i32 = 6;

@inline
function apply(kind: i32, a: v128, b: v128, y: v128): v128 {
  if (kind == ADD) return f32x4.add(a, b);
  if (kind == MUL || kind == SCALE) return f32x4.mul(a, b);
  if (kind == SILU) return siluLanes(a);
  if (kind == SILU_BACKWARD) return f32x4.mul(a, siluDerivative(b));
  if (kind == ACCUMULATE) return madd(a, b, y);
  return f32x4.neg(expLanes(a));
}

/** The last elements go through the same vector code as all others, so that a value does not depend on its place. */
@inline
function applyRow(kind: i32, a: usize, b: usize, y: usize, count: i32, factor: v128): void {
  const binary = kind == ADD || kind == MUL || kind == SILU_BACKWARD;
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const offset = <usize>i << 2;
    const second = binary ? v128.load(b + offset) : factor;
    const held = kind == ACCUMULATE ? v128.load(y + offset) : factor;
    v128.store(y + offset, apply(kind, v128.load(a + offset), second, held));
  }
  for (; i < count; i++) {
    const offset = <usize>i << 2;
    const second = binary ? v128.load32_splat(b + offset) : factor;
    const held = kind == ACCUMULATE ? v128.load32_splat(y + offset) : factor;
    v128.store_lane<f32>(y + offset, apply(kind, v128.load32_splat(a + offset), second, held), 0);
  }
}

@inline
function applyRange(kind: i32, args: ElementwiseArgs, begin: i32, end: i32): void {
  const features = args.features;
  const factor = f32x4.splat(args.factor);
  const pieces = (features + BLOCK - 1) / BLOCK;
  const rowsPerUnit = max(1, BLOCK / features);
  for (let unit = begin; unit < end; unit++) {
    const column = (unit % pieces) * BLOCK;
    const count = min(features - column, BLOCK);
    const first = (unit / pieces) * rowsPerUnit;
    const last = min(first + rowsPerUnit, args.rows);
    for (let row = first; row < last; row++) {
      const a = args.a + ((<usize>row * args.aStride + column) << 2);
      const b = args.b + ((<usize>row * args.bStride + column) << 2);
      const y = args.y + ((<usize>row * args.yStride + column) << 2);
      applyRow(kind, a, b, y, count, factor);
    }
  }
}

export function elementwiseUnits(at: usize): i32 {
  const args = changetype<ElementwiseArgs>(at);
  const rowsPerUnit = max(1, BLOCK / args.features);
  return ((args.rows + rowsPerUnit - 1) / rowsPerUnit) * ((args.features + BLOCK - 1) / BLOCK);
}

export function addRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<ElementwiseArgs>(at);
  applyRange(ADD, args, begin, end);
}

export function mulRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<ElementwiseArgs>(at);
  applyRange(MUL, args, begin, end);
}

export function scaleRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<ElementwiseArgs>(at);
  applyRange(SCALE, args, begin, end);
}

export function siluRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<ElementwiseArgs>(at);
  applyRange(SILU, args, begin, end);
}

export function negExpRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<ElementwiseArgs>(at);
  applyRange(NEG_EXP, args, begin, end);
}

export function siluBackwardRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<ElementwiseArgs>(at);
  applyRange(SILU_BACKWARD, args, begin, end);
}

export function accumulateRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<ElementwiseArgs>(at);
  applyRange(ACCUMULATE, args, begin, end);
}

export function flipUnits(at: usize): i32 {
  const args = changetype<FlipArgs>(at);
  return args.batch * args.length;
}

export function flipRange(at: usize, begin: i32, end: i32): void {
  const args = changetype<FlipArgs>(at);
  const bytes = <usize>args.channels << 2;
  for (let row = begin; row < end; row++) {
    const batch = row / args.length;
    const source = (batch + 1) * args.length - 1 - (row - batch * args.length);
    memory.copy(args.y + <usize>row * bytes, args.x + ((<usize>source * args.xStride) << 2), bytes);
  }
}
