import { elementBytes, loadWide, loadWidePartial } from "./half.ts";
import { loadLanes } from "./lanes.ts";
import { FEW, MatrixProductArgs, TILE_COLUMNS, TILE_ROWS } from "./matrixProductArgs.ts";
import { F32 } from "./records.ts";

// Copies tiles of the factors of a matrix product to panels: see matrixProduct.ts.

/** Packs a panel of a from `rows` rows of [rows, depth]. */
export function packRows(args: MatrixProductArgs, m: i32, rows: i32, k: i32, count: i32, to: usize): void {
  const row = (<usize>args.aStride) << 2;
  const a0 = args.a + <usize>m * row + ((<usize>k) << 2);
  // Missing rows are read as the first one; their results are not used.
  const a1 = rows > 1 ? a0 + row : a0;
  const a2 = rows > 2 ? a1 + row : a0;
  const a3 = rows > 3 ? a2 + row : a0;
  const whole = (<usize>count & ~3) << 2;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const x0 = v128.load(a0 + i);
    const x1 = v128.load(a1 + i);
    const x2 = v128.load(a2 + i);
    const x3 = v128.load(a3 + i);
    const l0 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const l1 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const h0 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const h1 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(l0, l1, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(l0, l1, 2, 3, 6, 7), 16);
    v128.store(to, v128.shuffle<f32>(h0, h1, 0, 1, 4, 5), 32);
    v128.store(to, v128.shuffle<f32>(h0, h1, 2, 3, 6, 7), 48);
    to += 64;
  }
  for (; i < (<usize>count) << 2; i += 4) {
    store<f32>(to, load<f32>(a0 + i));
    store<f32>(to, load<f32>(a1 + i), 4);
    store<f32>(to, load<f32>(a2 + i), 8);
    store<f32>(to, load<f32>(a3 + i), 12);
    to += 16;
  }
}

/** Packs a panel of a from `rows` columns of [depth, rows]. */
export function packColumns(args: MatrixProductArgs, m: i32, rows: i32, k: i32, count: i32, to: usize): void {
  const step = (<usize>args.aStride) << 2;
  let from = args.a + <usize>k * step + ((<usize>m) << 2);
  if (rows == TILE_ROWS && count == FEW) {
    for (let i: usize = 0; i < <usize>(FEW << 4); i += 16) {
      v128.store(to + i, v128.load(from));
      from += step;
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    v128.store(to, loadLanes(from, rows));
    from += step;
    to += 16;
  }
}

/** Packs a panel of b from `columns` columns of `count` rows, `step` bytes apart, then zeros. */
export function packRight(from: usize, step: usize, type: i32, columns: i32, count: i32, to: usize): void {
  const size = elementBytes(type);
  if (columns == TILE_COLUMNS && type == F32) {
    for (let i = 0; i < count; i++) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += step;
      to += 32;
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    v128.store(to, loadWideLanes(from, columns, type));
    v128.store(to, columns > 4 ? loadWideLanes(from + 4 * size, columns - 4, type) : f32x4.splat(0), 16);
    from += step;
    to += 32;
  }
}

@inline
function loadWideLanes(at: usize, count: i32, type: i32): v128 {
  return count >= 4 ? loadWide(at, type) : loadWidePartial(at, count, type);
}
