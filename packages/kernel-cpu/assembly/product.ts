import { F32 } from "./args.ts";
import { elementBytes, loadWide, loadWidePartial } from "./half.ts";
import { loadLanes, madd } from "./math.ts";

// c[m, n] = sum_k a[m, k] · b[k, n], which is both backward products of linear:
//
//   dx[m, i]      = sum_o dy[m, o] · weight[o, i]      a is dy as it lies
//   dWeight[o, i] = sum_m dy[m, o] · x[m, i]           a is dy by columns
//
// Here k does not run along the rows of b, so that the dot products of linear would need transposed copies. Instead a tile
// of 4 x 8 results stays in registers and takes one outer product for each k: four numbers of a, each for all lanes, times
// eight of b. Both are packed for that, a as panels [k][4] and b as panels [k][8], widened on the way: then all loads
// are neighbours, whatever the strides (a stride of some KiB would put a whole panel into a few sets of L1).
//
// k goes by in pieces of DEPTH, in ascending order: a panel of b (8 KiB) stays in L1, both packed blocks in L2. Every
// result is summed in the same order, whatever its place.

const DEPTH: i32 = 256;
const TILE_ROWS: i32 = 4;
const TILE_COLUMNS: i32 = 8;
const MOST: i32 = 128;
const LEAST: i32 = 32;
const ENOUGH_UNITS: i32 = 8;
/** Rows that are packed in one go for all panels: their pages and lines are still at hand for the next panel. */
const FEW: i32 = 8;

@unmanaged
export class ProductArgs {
  /*  0 */ a!: usize; // f32
  /*  1 */ b!: usize; // [depth, columns], storage: bType
  /*  2 */ c!: usize; // f32 [rows, columns]
  /*  3 */ rows!: i32;
  /*  4 */ columns!: i32;
  /*  5 */ depth!: i32;
  /*  6 */ aStride!: i32;
  /*  7 */ aByColumns!: i32; // flag: a is [depth, rows] in memory, else [rows, depth]
  /*  8 */ bStride!: i32;
  /*  9 */ bType!: i32; // F32, F16 or BF16
}

@inline
function roundUp(value: i32, to: i32): i32 {
  return (value + to - 1) & -to;
}

/** Rows (in the upper half) and columns of one unit: large blocks pack less, but eight units are worth it. */
function blockOf(args: ProductArgs): u64 {
  let rows = min(roundUp(args.rows, TILE_ROWS), MOST);
  let columns = min(roundUp(args.columns, TILE_COLUMNS), MOST);
  while (unitCount(args, rows, columns) < ENOUGH_UNITS && max(rows, columns) > LEAST) {
    if (columns > rows) columns = roundUp(columns >> 1, TILE_COLUMNS);
    else rows = roundUp(rows >> 1, TILE_ROWS);
  }
  return ((<u64>rows) << 32) | columns;
}

@inline
function unitCount(args: ProductArgs, rows: i32, columns: i32): i32 {
  return ((args.rows + rows - 1) / rows) * ((args.columns + columns - 1) / columns);
}

export function productUnits(at: usize): i32 {
  const args = changetype<ProductArgs>(at);
  const block = blockOf(args);
  return unitCount(args, <i32>(block >> 32), <i32>block);
}

/** A packed block of a and one of b, and a tile for the edges. */
export function productScratch(at: usize): i32 {
  const args = changetype<ProductArgs>(at);
  const block = blockOf(args);
  return ((<i32>(block >> 32) + <i32>block) * min(args.depth, DEPTH) + TILE_ROWS * TILE_COLUMNS) << 2;
}

export function productRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ProductArgs>(at);
  const block = blockOf(args);
  const rows = <i32>(block >> 32);
  const columns = <i32>block;
  const perRow = (args.columns + columns - 1) / columns;
  for (let unit = begin; unit < end; unit++) {
    const m = (unit / perRow) * rows;
    const n = (unit % perRow) * columns;
    multiply(args, m, min(args.rows - m, rows), n, min(args.columns - n, columns), scratch);
  }
}

/** Results [m, m + rows) x [n, n + columns). */
function multiply(args: ProductArgs, m: i32, rows: i32, n: i32, columns: i32, scratch: usize): void {
  const depth = min(args.depth, DEPTH);
  const edge = scratch;
  const packedA = scratch + ((TILE_ROWS * TILE_COLUMNS) << 2);
  const packedB = packedA + ((<usize>roundUp(rows, TILE_ROWS) * depth) << 2);
  const row = (<usize>args.columns) << 2;
  for (let k = 0; k < args.depth; k += depth) {
    const count = min(args.depth - k, depth);
    const aPanel = (<usize>count) << 4;
    const bPanel = (<usize>count) << 5;
    if (args.aByColumns) {
      for (let i = 0; i < count; i += FEW) {
        let to = packedA + ((<usize>i) << 4);
        for (let r = 0; r < rows; r += TILE_ROWS) {
          packColumns(args, m + r, min(rows - r, TILE_ROWS), k + i, min(count - i, FEW), to);
          to += aPanel;
        }
      }
    } else {
      let to = packedA;
      for (let r = 0; r < rows; r += TILE_ROWS) {
        packRows(args, m + r, min(rows - r, TILE_ROWS), k, count, to);
        to += aPanel;
      }
    }
    for (let i = 0; i < count; i += FEW) {
      let to = packedB + ((<usize>i) << 5);
      for (let j = 0; j < columns; j += TILE_COLUMNS) {
        packB(args, n + j, min(columns - j, TILE_COLUMNS), k + i, min(count - i, FEW), to);
        to += bPanel;
      }
    }
    let b = packedB;
    for (let j = 0; j < columns; j += TILE_COLUMNS) {
      let a = packedA;
      let c = args.c + <usize>m * row + ((<usize>(n + j)) << 2);
      for (let r = 0; r < rows; r += TILE_ROWS) {
        const tall = min(rows - r, TILE_ROWS);
        const wide = min(columns - j, TILE_COLUMNS);
        if (tall == TILE_ROWS && wide == TILE_COLUMNS) tile(a, b, count, c, row, k > 0);
        else {
          tile(a, b, count, edge, TILE_COLUMNS << 2, false);
          addEdge(c, row, edge, tall, wide, k > 0);
        }
        a += aPanel;
        c += <usize>TILE_ROWS * row;
      }
      b += bPanel;
    }
  }
}

/** c = a · b, or c += a · b, for one tile from panels of `count` steps. Rows of c are `row` bytes apart. */
function tile(a: usize, b: usize, count: i32, c: usize, row: usize, add: bool): void {
  let p0 = f32x4.splat(0);
  let p1 = p0;
  let p2 = p0;
  let p3 = p0;
  let q0 = p0;
  let q1 = p0;
  let q2 = p0;
  let q3 = p0;
  const pairs = a + ((<usize>count & ~1) << 4);
  while (a < pairs) {
    let u = v128.load(b);
    let v = v128.load(b, 16);
    let x = v128.load32_splat(a);
    p0 = madd(x, u, p0);
    q0 = madd(x, v, q0);
    x = v128.load32_splat(a, 4);
    p1 = madd(x, u, p1);
    q1 = madd(x, v, q1);
    x = v128.load32_splat(a, 8);
    p2 = madd(x, u, p2);
    q2 = madd(x, v, q2);
    x = v128.load32_splat(a, 12);
    p3 = madd(x, u, p3);
    q3 = madd(x, v, q3);
    u = v128.load(b, 32);
    v = v128.load(b, 48);
    x = v128.load32_splat(a, 16);
    p0 = madd(x, u, p0);
    q0 = madd(x, v, q0);
    x = v128.load32_splat(a, 20);
    p1 = madd(x, u, p1);
    q1 = madd(x, v, q1);
    x = v128.load32_splat(a, 24);
    p2 = madd(x, u, p2);
    q2 = madd(x, v, q2);
    x = v128.load32_splat(a, 28);
    p3 = madd(x, u, p3);
    q3 = madd(x, v, q3);
    a += 32;
    b += 64;
  }
  if (count & 1) {
    const u = v128.load(b);
    const v = v128.load(b, 16);
    let x = v128.load32_splat(a);
    p0 = madd(x, u, p0);
    q0 = madd(x, v, q0);
    x = v128.load32_splat(a, 4);
    p1 = madd(x, u, p1);
    q1 = madd(x, v, q1);
    x = v128.load32_splat(a, 8);
    p2 = madd(x, u, p2);
    q2 = madd(x, v, q2);
    x = v128.load32_splat(a, 12);
    p3 = madd(x, u, p3);
    q3 = madd(x, v, q3);
  }
  finish(c, p0, q0, add);
  finish(c + row, p1, q1, add);
  finish(c + 2 * row, p2, q2, add);
  finish(c + 3 * row, p3, q3, add);
}

@inline
function finish(c: usize, p: v128, q: v128, add: bool): void {
  v128.store(c, add ? f32x4.add(v128.load(c), p) : p);
  v128.store(c, add ? f32x4.add(v128.load(c, 16), q) : q, 16);
}

/** The part of a tile that lies inside of c. */
function addEdge(c: usize, row: usize, edge: usize, rows: i32, columns: i32, add: bool): void {
  for (let r = 0; r < rows; r++) {
    for (let j: usize = 0; j < (<usize>columns) << 2; j += 4) {
      const sum = load<f32>(edge + j);
      store<f32>(c + j, add ? load<f32>(c + j) + sum : sum);
    }
    c += row;
    edge += TILE_COLUMNS << 2;
  }
}

/** A panel of a from `rows` rows of [rows, depth], zeros in place of the others. */
function packRows(args: ProductArgs, m: i32, rows: i32, k: i32, count: i32, to: usize): void {
  const row = (<usize>args.aStride) << 2;
  const a0 = args.a + <usize>m * row + ((<usize>k) << 2);
  // Rows that do not exist are read as the first, and dropped with the results of their rows.
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

/** A panel of a from `rows` columns of [depth, rows]. */
function packColumns(args: ProductArgs, m: i32, rows: i32, k: i32, count: i32, to: usize): void {
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

/** A panel of b from `columns` columns, zeros behind them. */
function packB(args: ProductArgs, n: i32, columns: i32, k: i32, count: i32, to: usize): void {
  const type = args.bType;
  const size = elementBytes(type);
  const step = <usize>args.bStride * size;
  let from = args.b + <usize>k * step + <usize>n * size;
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
