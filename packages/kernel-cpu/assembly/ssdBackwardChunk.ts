import { expLanes } from "./exponentials.ts";
import { madd, storeLanes, sumLanes } from "./lanes.ts";
import { FROM_ROW, FULL, LOWER, smallProduct, transpose } from "./smallProduct.ts";
import { SsdWork } from "./ssdBackwardWork.ts";
import { savedState } from "./ssdInputs.ts";
import { SsdScanBackwardArgs } from "./ssdScanBackward.ts";

// The steps of ssdScanBackward on one chunk; that file has the formulas.

/** Smaller logarithms of a decay are taken for this one, whose exponential is 0 too: larger sums would round the others away. */
const LEAST_LOG: f64 = -1000;

/** Copies a dense [rows, columns] to rows that are `row` bytes apart. */
export function padMatrix(to: usize, row: usize, from: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    memory.copy(to, from, (<usize>columns) << 2);
    to += row;
    from += (<usize>columns) << 2;
  }
}

/** Copies rows that are `row` bytes apart to a dense [rows, columns]. */
export function unpadMatrix(to: usize, from: usize, row: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    memory.copy(to, from, (<usize>columns) << 2);
    to += (<usize>columns) << 2;
    from += row;
  }
}

/** Copies `columns` numbers of each position of the chunk. The rest of the rows, and rows beyond the positions, become 0. */
function gather(work: SsdWork, to: usize, row: usize, from: usize, stride: i32, columns: i32): void {
  memory.fill(to, 0, <usize>work.rows * row);
  for (let i: usize = 0; i < <usize>work.count; i++) {
    const l = <usize>load<i32>(work.positions + (i << 2));
    memory.copy(to + i * row, from + ((l * stride) << 2), (<usize>columns) << 2);
  }
}

/** Reads B and C of the chunk, computes CB, and begins the sums over heads. */
export function beginChunk(args: SsdScanBackwardArgs, work: SsdWork, b: i32, group: i32): void {
  work.rows = (work.count + 7) & ~7;
  const rows = work.rows;
  const N = args.stateSize;
  const first = <usize>b * args.length;
  const column = <usize>group * N;
  gather(work, work.B, work.nRow, args.B + ((first * args.bStride + column) << 2), args.bStride, N);
  gather(work, work.C, work.nRow, args.C + ((first * args.cStride + column) << 2), args.cStride, N);
  transpose(work.transposedB, work.qRow, work.B, work.nRow, rows, work.N);
  smallProduct(work.CB, work.qRow, work.C, work.nRow, 4, work.transposedB, work.qRow, rows, rows, N, LOWER, false);
  memory.fill(work.dCB, 0, <usize>rows * work.qRow);
  memory.fill(work.dB, 0, <usize>rows * work.nRow);
  memory.fill(work.dC, 0, <usize>rows * work.nRow);
}

/** Adds the products with dCB to dB and dC, and writes both. */
export function endChunk(args: SsdScanBackwardArgs, work: SsdWork, sums: usize, step: usize): void {
  const rows = work.rows;
  smallProduct(work.dC, work.nRow, work.dCB, work.qRow, 4, work.B, work.nRow, rows, work.N, rows, FULL, true);
  smallProduct(work.dB, work.nRow, work.dCB, 4, work.qRow, work.C, work.nRow, rows, work.N, rows, FROM_ROW, true);
  const bytes = (<usize>args.stateSize) << 2;
  for (let i: usize = 0; i < <usize>work.count; i++) {
    const at = sums + <usize>load<i32>(work.positions + (i << 2)) * step;
    memory.copy(args.dB + at, work.dB + i * work.nRow, bytes);
    memory.copy(args.dC + at, work.dC + i * work.nRow, bytes);
  }
}

/**
 * Computes head h. `chunk` is the number of the saved state before the chunk, or -1 when that state is 0. `carry`, the gradient of the state
 * after the chunk, becomes that of the state before it.
 */
export function backwardHead(args: SsdScanBackwardArgs, work: SsdWork, b: i32, h: i32, chunk: i32, carry: usize): void {
  const P = args.headDim;
  const N = args.stateSize;
  const rows = work.rows;
  const first = <usize>b * args.length;
  const column = <usize>h * P;
  gather(work, work.X, work.pRow, args.x + ((first * args.xStride + column) << 2), args.xStride, P);
  gather(work, work.O, work.pRow, args.dy + ((first * args.dyStride + column) << 2), args.dyStride, P);
  transpose(work.transposedX, work.qRow, work.X, work.pRow, rows, work.P);
  transpose(work.transposedG, work.pRow, carry, work.nRow, work.P, work.N);
  decays(args, work, b, h);
  const last = work.count - 1;
  const all = load<f32>(work.powers + ((<usize>last) << 2));
  memory.fill(work.flows, 0, <usize>(rows + 1) << 3);

  smallProduct(work.V, work.pRow, work.B, work.nRow, 4, work.transposedG, work.pRow, rows, work.P, N, FULL, false);
  scaleRows(work, work.V, work.V, work.pRow, work.P, work.falls);
  scaleRows(work, work.scaled, work.X, work.pRow, work.P, work.weights);
  // sum_{j < t} of the terms of G.
  addFlows(work, work.scaled, work.V, work.pRow, work.P, false);
  scaleRows(work, work.scaled, work.scaled, work.pRow, work.P, work.falls);
  smallProduct(work.dB, work.nRow, work.scaled, work.pRow, 4, carry, work.nRow, rows, work.N, P, FULL, true);

  scaleRows(work, work.scaled, work.O, work.pRow, work.P, work.powers);
  let whole: f64 = 0;
  if (chunk >= 0) {
    memory.fill(work.S, 0, work.stateBytes);
    padMatrix(work.S, work.nRow, savedState(args, b, chunk, h), P, N);
    smallProduct(work.row, work.nRow, work.scaled, work.pRow, 4, work.S, work.nRow, rows, work.N, P, FULL, false);
    // sum_{i >= t} of the terms of S.
    addFlows(work, work.row, work.C, work.nRow, work.N, true);
    addRows(work.dC, work.row, <usize>rows * work.nRow);
    for (let p = 0; p < P; p++) {
      whole += dot(work.S + <usize>p * work.nRow, carry + <usize>p * work.nRow, work.N);
    }
    whole *= all;
  }
  smallProduct(work.products, work.qRow, work.O, work.pRow, 4, work.transposedX, work.qRow, rows, rows, P, LOWER, false);
  within(work);
  smallProduct(work.V, work.pRow, work.M, 4, work.qRow, work.O, work.pRow, rows, work.P, rows, FROM_ROW, true);
  const factor = f32x4.splat(all);
  for (let at = carry; at < carry + work.stateBytes; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor));
  smallProduct(carry, work.nRow, work.scaled, 4, work.pRow, work.C, work.nRow, work.P, work.N, rows, FULL, true);
  finish(args, work, b, h, whole);
}

/** Reads weight, and computes cs, exp(cs) and exp(cs[last] - cs). All are 0 beyond the positions. */
function decays(args: SsdScanBackwardArgs, work: SsdWork, b: i32, h: i32): void {
  let sum: f64 = 0;
  const count = <usize>work.count;
  memory.fill(work.weights, 0, (<usize>work.rows) << 2);
  for (let i: usize = 0; i < <usize>work.rows; i++) {
    if (i < count) {
      const row = <usize>b * args.length + load<i32>(work.positions + (i << 2));
      sum += max(<f64>load<f32>(args.logDecay + ((row * args.logDecayStride + h) << 2)), LEAST_LOG);
      store<f32>(work.weights + (i << 2), load<f32>(args.weight + ((row * args.weightStride + h) << 2)));
    }
    store<f64>(work.sums + (i << 3), sum);
    store<f32>(work.powers + (i << 2), <f32>sum);
  }
  const last = f64x2.splat(sum);
  for (let i: usize = 0; i < <usize>work.rows; i += 4) {
    const at = i << 2;
    v128.store(work.powers + at, expLanes(v128.load(work.powers + at)));
    v128.store(work.falls + at, expLanes(differences(last, work.sums + (i << 3))));
  }
}

/** sum - s for four numbers s at `sums`. */
@inline
function differences(sum: v128, sums: usize): v128 {
  const low = f32x4.demote_f64x2_zero(f64x2.sub(sum, v128.load(sums)));
  const high = f32x4.demote_f64x2_zero(f64x2.sub(sum, v128.load(sums, 16)));
  return v128.shuffle<f32>(low, high, 0, 1, 4, 5);
}

/** Computes M, adds to dCB, and adds the terms of dCB · CB to the flows. */
function within(work: SsdWork): void {
  const ramp = i32x4(0, 1, 2, 3);
  for (let i = 0; i < work.rows; i++) {
    const row = <usize>i * work.qRow;
    const columns = (<usize>(i & ~3) + 4) << 2;
    if (i >= work.count) {
      memory.fill(work.M + row, 0, columns);
      continue;
    }
    const sum = v128.load64_splat(work.sums + ((<usize>i) << 3));
    for (let at: usize = 0; at < columns; at += 16) {
      // The differences above the diagonal may be large.
      const mask = i32x4.ge_s(i32x4.splat(i - <i32>(at >> 2)), ramp);
      const decay = expLanes(v128.and(mask, differences(sum, work.sums + (at << 1))));
      const CB = v128.load(work.CB + row + at);
      const dCB = f32x4.mul(f32x4.mul(v128.load(work.products + row + at), v128.load(work.weights + at)), decay);
      v128.store(work.M + row + at, v128.and(mask, f32x4.mul(decay, CB)));
      const g = v128.and(mask, dCB);
      v128.store(work.dCB + row + at, f32x4.add(v128.load(work.dCB + row + at), g));
      v128.store(work.products + row + at, v128.and(mask, f32x4.mul(dCB, CB)));
    }
    // flows[t] += sum_{j < t} of the row, for t <= i.
    let before: f64 = 0;
    for (let t: usize = 1; t <= <usize>i; t++) {
      before += <f64>load<f32>(work.products + row + ((t - 1) << 2));
      const at = work.flows + (t << 3);
      store<f64>(at, load<f64>(at) + before);
    }
  }
}

/** Adds a[i] · b[i] of each row i to the flows of the positions up to i with `until`, otherwise to those after i. */
function addFlows(work: SsdWork, a: usize, b: usize, row: usize, columns: i32, until: bool): void {
  let sum: f64 = 0;
  for (let i = 0; i < work.count; i++) {
    const r = until ? work.count - 1 - i : i;
    sum += dot(a + <usize>r * row, b + <usize>r * row, columns);
    const at = work.flows + (<usize>(until ? r : r + 1) << 3);
    store<f64>(at, load<f64>(at) + sum);
  }
}

@inline
function dot(a: usize, b: usize, columns: i32): f32 {
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  for (let i: usize = 0; i < (<usize>columns) << 2; i += 32) {
    sum0 = madd(v128.load(a + i), v128.load(b + i), sum0);
    sum1 = madd(v128.load(a + i, 16), v128.load(b + i, 16), sum1);
  }
  return sumLanes(f32x4.add(sum0, sum1));
}

/** Writes rows times their factors. */
function scaleRows(work: SsdWork, to: usize, from: usize, row: usize, columns: i32, factors: usize): void {
  for (let r: usize = 0; r < <usize>work.rows; r++) {
    const factor = v128.load32_splat(factors + (r << 2));
    const at = r * row;
    for (let i: usize = 0; i < (<usize>columns) << 2; i += 16) {
      v128.store(to + at + i, f32x4.mul(v128.load(from + at + i), factor));
    }
  }
}

/** Adds `bytes` bytes of numbers at `from` to those at `to`. */
function addRows(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
}

/** Writes dx, dWeight and dLogDecay, and adds to dD. */
function finish(args: SsdScanBackwardArgs, work: SsdWork, b: i32, h: i32, whole: f64): void {
  const P = args.headDim;
  const D = args.D ? v128.load32_splat(args.D + ((<usize>h) << 2)) : f32x4.splat(0);
  let skip: f64 = 0;
  for (let i: usize = 0; i < <usize>work.count; i++) {
    const row = <usize>b * args.length + load<i32>(work.positions + (i << 2));
    const x = work.X + i * work.pRow;
    const o = work.O + i * work.pRow;
    const v = work.V + i * work.pRow;
    const head = (row * args.heads + h) << 2;
    store<f32>(args.dWeight + head, dot(x, v, work.P));
    store<f32>(args.dLogDecay + head, <f32>(whole + load<f64>(work.flows + (i << 3))));
    if (args.D) skip += dot(x, o, work.P);
    const weight = v128.load32_splat(work.weights + (i << 2));
    const to = args.dx + head * P;
    for (let p = 0; p < P; p += 4) {
      const at = (<usize>p) << 2;
      let value = f32x4.mul(weight, v128.load(v + at));
      if (args.D) value = madd(D, v128.load(o + at), value);
      storeLanes(to + at, value, P - p);
    }
  }
  if (!args.dD) return;
  const at = args.dD + ((<usize>b * args.heads + h) << 2);
  store<f32>(at, load<f32>(at) + <f32>skip);
}
