import { BF16, F16, F32, LinearArgs } from "./args.ts";
import { dotsFourHalves, scaleRow } from "./gemv-half.ts";
import { elementBytes, widenRow } from "./half.ts";
import { finishFour, loadPartial, madd, sumLanes } from "./math.ts";

// y[m, o] = sum_k x[m, k] · weight[o, k] + bias[o] for few rows m. The weight is read from memory once: a tile of four
// of its rows stays in L1 while all rows of x pass. Lane j of an accumulator holds the products with k = j (mod 4) in
// ascending order, for every path below, so neither the other rows nor the storage path change a bit of a row.

const TILE: i32 = 4;

/** Weight rows in one unit: about 8 µs, at 16 bytes/ns from memory or 30 flop/ns, whichever is slower. */
@inline
function unitColumns(args: LinearArgs): i32 {
  const bytes = args.inFeatures * <i32>elementBytes(args.weightType);
  const perColumn = max(bytes / 16, (args.inFeatures * args.rows * 2) / 30) + 1;
  return TILE * max(8000 / (TILE * perColumn), 1);
}

export function gemvUnits(args: LinearArgs): i32 {
  if (args.rows == 0) return 0;
  const columns = unitColumns(args);
  return (args.outFeatures + columns - 1) / columns;
}

export function gemvScratch(args: LinearArgs): i32 {
  return args.weightType == F32 ? 0 : (TILE + 1) * rowBytes(args);
}

/** A widened weight row in scratch, padded to whole registers. */
@inline
function rowBytes(args: LinearArgs): i32 {
  return ((args.inFeatures + 3) & ~3) << 2;
}

export function gemvRange(args: LinearArgs, begin: i32, end: i32, scratch: usize): void {
  const columns = unitColumns(args);
  const last = min(end * columns, args.outFeatures);
  const stored = <usize>args.inFeatures * elementBytes(args.weightType);
  const scaled = scratch + TILE * rowBytes(args);
  const inRegisters =
    args.rows == 1 &&
    (args.weightType == BF16 || (args.weightType == F16 && scaleRow(scaled, args.x, args.inFeatures)));
  for (let o = begin * columns; o < last; o += TILE) {
    const count = min(last - o, TILE);
    const weight = args.weight + <usize>o * stored;
    if (args.weightType == F32) {
      tile(args, o, count, weight, stored);
      continue;
    }
    if (inRegisters && count == TILE) {
      const next = o + 2 * TILE <= args.outFeatures ? weight + <usize>TILE * stored : weight;
      if (halfTile(args, o, weight, stored, scaled, next)) continue;
    }
    for (let j = 0; j < count; j++) {
      const to = scratch + <usize>j * rowBytes(args);
      widenRow(to, weight + <usize>j * stored, args.inFeatures, args.weightType);
    }
    tile(args, o, count, scratch, rowBytes(args));
  }
}

/** Columns [o, o + count) of all rows, from f32 weight rows `step` bytes apart. */
@inline
function tile(args: LinearArgs, o: i32, count: i32, weight: usize, step: usize): void {
  const xStep = (<usize>args.xStride) << 2;
  const yStep = (<usize>args.outFeatures) << 2;
  let x = args.x;
  let y = args.y + ((<usize>o) << 2);
  const bias = args.bias ? args.bias + ((<usize>o) << 2) : 0;
  let m = args.rows;
  if (count == TILE) {
    for (; m > 1; m -= 2) {
      dotsTwoByFour(x, xStep, weight, step, args.inFeatures, bias, y, yStep);
      x += 2 * xStep;
      y += 2 * yStep;
    }
  }
  for (; m > 0; m--) {
    if (count == TILE) dotsFour(x, weight, step, args.inFeatures, bias, y);
    else {
      for (let j: usize = 0; j < <usize>count; j++) {
        const sum = dot(x, weight + j * step, args.inFeatures);
        store<f32>(y + (j << 2), bias ? sum + load<f32>(bias + (j << 2)) : sum);
      }
    }
    x += xStep;
    y += yStep;
  }
}

/** One row of x and four half weight rows, widened in registers. False when an f16 row holds an infinity or NaN. */
@inline
function halfTile(args: LinearArgs, o: i32, weight: usize, step: usize, scaled: usize, next: usize): bool {
  const x = args.x;
  const count = args.inFeatures;
  const bias = args.bias ? args.bias + ((<usize>o) << 2) : 0;
  const y = args.y + ((<usize>o) << 2);
  if (args.weightType == F16) return dotsFourHalves(x, scaled, weight, step, next, count, bias, y, F16);
  return dotsFourHalves(x, x, weight, step, next, count, bias, y, BF16);
}

function dot(x: usize, weight: usize, count: i32): f32 {
  const rest = count & 3;
  const whole: usize = (count - rest) << 2;
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < whole; i += 16) sum = madd(v128.load(x + i), v128.load(weight + i), sum);
  if (rest) sum = madd(loadPartial(x + whole, rest), loadPartial(weight + whole, rest), sum);
  return sumLanes(sum);
}

function dotsFour(x: usize, w0: usize, step: usize, count: i32, bias: usize, y: usize): void {
  const w1 = w0 + step;
  const w2 = w1 + step;
  const w3 = w2 + step;
  const rest = count & 3;
  const whole: usize = (count - rest) << 2;
  const blocks: usize = whole & ~31;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let i: usize = 0;
  for (; i < blocks; i += 32) {
    const a = v128.load(x + i);
    const b = v128.load(x + i, 16);
    s0 = madd(a, v128.load(w0 + i), s0);
    s1 = madd(a, v128.load(w1 + i), s1);
    s2 = madd(a, v128.load(w2 + i), s2);
    s3 = madd(a, v128.load(w3 + i), s3);
    s0 = madd(b, v128.load(w0 + i, 16), s0);
    s1 = madd(b, v128.load(w1 + i, 16), s1);
    s2 = madd(b, v128.load(w2 + i, 16), s2);
    s3 = madd(b, v128.load(w3 + i, 16), s3);
  }
  for (; i < whole; i += 16) {
    const a = v128.load(x + i);
    s0 = madd(a, v128.load(w0 + i), s0);
    s1 = madd(a, v128.load(w1 + i), s1);
    s2 = madd(a, v128.load(w2 + i), s2);
    s3 = madd(a, v128.load(w3 + i), s3);
  }
  if (rest) {
    const a = loadPartial(x + i, rest);
    s0 = madd(a, loadPartial(w0 + i, rest), s0);
    s1 = madd(a, loadPartial(w1 + i, rest), s1);
    s2 = madd(a, loadPartial(w2 + i, rest), s2);
    s3 = madd(a, loadPartial(w3 + i, rest), s3);
  }
  finishFour(s0, s1, s2, s3, bias, y);
}

function dotsTwoByFour(
  x: usize,
  xStep: usize,
  w0: usize,
  step: usize,
  count: i32,
  bias: usize,
  y: usize,
  yStep: usize,
): void {
  const x1 = x + xStep;
  const w1 = w0 + step;
  const w2 = w1 + step;
  const w3 = w2 + step;
  const rest = count & 3;
  const whole: usize = (count - rest) << 2;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let t0 = s0;
  let t1 = s0;
  let t2 = s0;
  let t3 = s0;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(x1 + i);
    let w = v128.load(w0 + i);
    s0 = madd(a, w, s0);
    t0 = madd(b, w, t0);
    w = v128.load(w1 + i);
    s1 = madd(a, w, s1);
    t1 = madd(b, w, t1);
    w = v128.load(w2 + i);
    s2 = madd(a, w, s2);
    t2 = madd(b, w, t2);
    w = v128.load(w3 + i);
    s3 = madd(a, w, s3);
    t3 = madd(b, w, t3);
  }
  if (rest) {
    const a = loadPartial(x + i, rest);
    const b = loadPartial(x1 + i, rest);
    let w = loadPartial(w0 + i, rest);
    s0 = madd(a, w, s0);
    t0 = madd(b, w, t0);
    w = loadPartial(w1 + i, rest);
    s1 = madd(a, w, s1);
    t1 = madd(b, w, t1);
    w = loadPartial(w2 + i, rest);
    s2 = madd(a, w, s2);
    t2 = madd(b, w, t2);
    w = loadPartial(w3 + i, rest);
    s3 = madd(a, w, s3);
    t3 = madd(b, w, t3);
  }
  finishFour(s0, s1, s2, s3, bias, y);
  finishFour(t0, t1, t2, t3, bias, y + yStep);
}
