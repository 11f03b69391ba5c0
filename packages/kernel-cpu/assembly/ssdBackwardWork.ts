import { SAVED_STEPS } from "./ssdInputs.ts";

// Scratch memory of ssdScanBackward: matrices of one chunk of Q = SAVED_STEPS positions. Extents are rounded up to multiples of 8, and rows
// have 8 more numbers, for smallProduct.ts.

@unmanaged
export class SsdWork {
  count!: i32; // positions of the chunk
  rows!: i32; // count, rounded up to a multiple of 8
  P!: i32; // rounded up
  N!: i32; // rounded up
  qRow!: usize; // bytes of a row of [·, Q]
  pRow!: usize; // bytes of a row of [·, P]
  nRow!: usize; // bytes of a row of [·, N]
  stateBytes!: usize; // bytes of [P, N]
  positions!: usize; // i32 [Q]: the positions of the chunk, ascending
  sums!: usize; // f64 [Q]: cs
  flows!: usize; // f64 [Q + 1]: terms of dLogDecay
  weights!: usize; // [Q]
  powers!: usize; // [Q]: exp(cs)
  falls!: usize; // [Q]: exp(cs[last] - cs)
  B!: usize; // [Q, N]
  C!: usize; // [Q, N]
  transposedB!: usize; // [N, Q]
  CB!: usize; // [Q, Q]
  dCB!: usize; // [Q, Q]: sum over the heads
  dB!: usize; // [Q, N]: sum over the heads
  dC!: usize; // [Q, N]: sum over the heads
  X!: usize; // [Q, P]
  transposedX!: usize; // [P, Q]
  O!: usize; // [Q, P]: dy
  scaled!: usize; // [Q, P]
  V!: usize; // [Q, P]
  M!: usize; // [Q, Q]
  products!: usize; // [Q, Q]: o · x, then dCB · CB
  row!: usize; // [Q, N]
  S!: usize; // [P, N]
  transposedG!: usize; // [N, P]
  carries!: usize; // [heads, P, N]: the gradient of the state after the chunk
}

@inline
function padded(extent: i32): i32 {
  return (extent + 7) & ~7;
}

/** Bytes of a row of numbers. */
@inline
function rowBytes(extent: i32): usize {
  return (<usize>(padded(extent) + 8)) << 2;
}

/** Sets the extents and addresses. */
export function layOut(work: SsdWork, P: i32, N: i32): void {
  const Q = <usize>SAVED_STEPS;
  work.P = padded(P);
  work.N = padded(N);
  work.qRow = rowBytes(SAVED_STEPS);
  work.pRow = rowBytes(P);
  work.nRow = rowBytes(N);
  work.stateBytes = <usize>work.P * work.nRow;
  let at = (changetype<usize>(work) + offsetof<SsdWork>() + 15) & ~15;
  work.positions = at;
  at += Q << 2;
  work.sums = at;
  at += Q << 3;
  work.flows = at;
  at += (Q + 2) << 3;
  work.weights = at;
  at += Q << 2;
  work.powers = at;
  at += Q << 2;
  work.falls = at;
  at += Q << 2;
  work.B = at;
  at += Q * work.nRow;
  work.C = at;
  at += Q * work.nRow;
  work.dB = at;
  at += Q * work.nRow;
  work.dC = at;
  at += Q * work.nRow;
  work.row = at;
  at += Q * work.nRow;
  work.transposedB = at;
  at += <usize>work.N * work.qRow;
  work.CB = at;
  at += Q * work.qRow;
  work.dCB = at;
  at += Q * work.qRow;
  work.M = at;
  at += Q * work.qRow;
  work.products = at;
  at += Q * work.qRow;
  work.X = at;
  at += Q * work.pRow;
  work.O = at;
  at += Q * work.pRow;
  work.scaled = at;
  at += Q * work.pRow;
  work.V = at;
  at += Q * work.pRow;
  work.transposedX = at;
  at += <usize>work.P * work.qRow;
  work.S = at;
  at += work.stateBytes;
  work.transposedG = at;
  at += <usize>work.N * work.pRow;
  work.carries = at;
}

/** Bytes of scratch memory for units of `heads` heads. */
export function workBytes(P: i32, N: i32, heads: i32): i32 {
  const Q = SAVED_STEPS;
  const n = <i32>rowBytes(N);
  const p = <i32>rowBytes(P);
  const q = <i32>rowBytes(Q);
  const lists = <i32>offsetof<SsdWork>() + 16 + 16 * Q + 8 * (2 * Q + 2);
  const matrices = 5 * Q * n + (padded(N) + 4 * Q + padded(P)) * q + 4 * Q * p + padded(N) * p;
  return lists + matrices + (heads + 1) * padded(P) * n;
}
