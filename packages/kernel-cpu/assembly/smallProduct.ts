import { madd } from "./lanes.ts";

// c[r, j] = sum_k a[r, k] · b[k, j], or c += a · b, for small matrices in scratch memory whose extents are padded: rows to a multiple of 4,
// columns to a multiple of 8. Strides are bytes. A register tile has 4 x 8 results, as in matrixProduct.ts; nothing is packed, since
// all operands are in L1 or L2. Strides that are no power of two spread them over the sets of L1.

/** All results. */
export const FULL: i32 = 0;
/** Only tiles that have a result with j <= r. */
export const LOWER: i32 = 1;
/** All results, where a[r, k] is 0 for k < r. */
export const FROM_ROW: i32 = 2;

/** Computes c = a · b, or c += a · b with `add`. `aRow` and `aStep` are from one row and one k of a to the next. */
export function smallProduct(
  c: usize,
  cRow: usize,
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  rows: i32,
  columns: i32,
  depth: i32,
  form: i32,
  add: bool,
): void {
  for (let j = 0; j < columns; j += 8) {
    const panel = b + ((<usize>j) << 2);
    for (let r = 0; r < rows; r += 4) {
      if (form == LOWER && j > r + 3) continue;
      const skip = form == FROM_ROW ? r : 0;
      const from = a + <usize>r * aRow + <usize>skip * aStep;
      const to = c + <usize>r * cRow + ((<usize>j) << 2);
      tile(to, cRow, from, aRow, aStep, panel + <usize>skip * bRow, bRow, depth - skip, add);
    }
  }
}

/** Computes one register tile. */
function tile(
  c: usize,
  cRow: usize,
  a: usize,
  aRow: usize,
  aStep: usize,
  b: usize,
  bRow: usize,
  depth: i32,
  add: bool,
): void {
  let a1 = a + aRow;
  let a2 = a1 + aRow;
  let a3 = a2 + aRow;
  let p0 = f32x4.splat(0);
  let p1 = p0;
  let p2 = p0;
  let p3 = p0;
  let q0 = p0;
  let q1 = p0;
  let q2 = p0;
  let q3 = p0;
  const end = b + <usize>depth * bRow;
  while (b < end) {
    const u = v128.load(b);
    const v = v128.load(b, 16);
    let x = v128.load32_splat(a);
    p0 = madd(x, u, p0);
    q0 = madd(x, v, q0);
    x = v128.load32_splat(a1);
    p1 = madd(x, u, p1);
    q1 = madd(x, v, q1);
    x = v128.load32_splat(a2);
    p2 = madd(x, u, p2);
    q2 = madd(x, v, q2);
    x = v128.load32_splat(a3);
    p3 = madd(x, u, p3);
    q3 = madd(x, v, q3);
    a += aStep;
    a1 += aStep;
    a2 += aStep;
    a3 += aStep;
    b += bRow;
  }
  finish(c, p0, q0, add);
  finish(c + cRow, p1, q1, add);
  finish(c + 2 * cRow, p2, q2, add);
  finish(c + 3 * cRow, p3, q3, add);
}

@inline
function finish(c: usize, p: v128, q: v128, add: bool): void {
  v128.store(c, add ? f32x4.add(v128.load(c), p) : p);
  v128.store(c, add ? f32x4.add(v128.load(c, 16), q) : q, 16);
}

/** Writes the transpose of [rows, columns], both multiples of 4, as [columns, rows]. */
export function transpose(to: usize, toRow: usize, from: usize, fromRow: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r += 4) {
    for (let c = 0; c < columns; c += 4) {
      const at = from + <usize>r * fromRow + ((<usize>c) << 2);
      const x0 = v128.load(at);
      const x1 = v128.load(at + fromRow);
      const x2 = v128.load(at + 2 * fromRow);
      const x3 = v128.load(at + 3 * fromRow);
      const l0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
      const l1 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
      const h0 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const h1 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      const row = to + <usize>c * toRow + ((<usize>r) << 2);
      v128.store(row, v128.shuffle<f32>(l0, l1, 0, 1, 4, 5));
      v128.store(row + toRow, v128.shuffle<f32>(l0, l1, 2, 3, 6, 7));
      v128.store(row + 2 * toRow, v128.shuffle<f32>(h0, h1, 0, 1, 4, 5));
      v128.store(row + 3 * toRow, v128.shuffle<f32>(h0, h1, 2, 3, 6, 7));
    }
  }
}
