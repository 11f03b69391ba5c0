import { elementBytes } from "./half.ts";
import { madd } from "./lanes.ts";
import { FEW, MatrixProductArgs, TILE_COLUMNS, TILE_ROWS } from "./matrixProductArgs.ts";
import { packColumns, packRight, packRows } from "./packing.ts";
import { DEQUANTIZE_SCRATCH, dequantizeGroup } from "./quantized/dequantize.ts";
import { blockColumns, groupBytes } from "./quantized/layout.ts";
import { F32, isQuantized } from "./records.ts";

// c[m, n] = sum_k a[m, k] · b[k, n], for both backward products of linear.
//
// Here k does not run along the rows of b, so that the dot products of linear would need transposed copies. Instead a register
// tile of 4 x 8 results takes one outer product for each k: four numbers of a, each in all lanes, times eight of b. Both are
// packed for that, a as panels [k][4] and b as panels [k][8], and converted to f32: then all loads are neighbours, whatever the
// strides (a stride of some KiB would map a whole panel to a few sets of L1).
//
// k goes by in chunks of DEPTH, in ascending order: a panel of b (8 KiB) stays in L1, both packed tiles in L2. Every result is
// summed in the same order, whatever its position. A unit is a tile of results.
//
// Eight rows of a quantised b are converted to f32 at a time, and packed from there. Its units begin at whole blocks.

const DEPTH: i32 = 256;
/** Most rows or columns of a unit, and the fewest to which it is divided. */
const MOST: i32 = 128;
const LEAST: i32 = 32;
const ENOUGH_UNITS: i32 = 8;
@inline
function roundUp(value: i32, to: i32): i32 {
  return (value + to - 1) & -to;
}

/** Rows (in the upper half) and columns of one unit: large tiles pack less, but there should be eight units. */
function unitTile(args: MatrixProductArgs): u64 {
  let rows = min(roundUp(args.rows, TILE_ROWS), MOST);
  const step = isQuantized(args.bType) ? LEAST : TILE_COLUMNS;
  let columns = min(roundUp(args.columns, step), MOST);
  while (unitCount(args, rows, columns) < ENOUGH_UNITS && max(rows, columns) > LEAST) {
    if (columns > rows) columns = roundUp(columns >> 1, step);
    else rows = roundUp(rows >> 1, TILE_ROWS);
  }
  return ((<u64>rows) << 32) | columns;
}

@inline
function unitCount(args: MatrixProductArgs, rows: i32, columns: i32): i32 {
  return ((args.rows + rows - 1) / rows) * ((args.columns + columns - 1) / columns);
}

export function matrixProductUnits(args: MatrixProductArgs): i32 {
  const size = unitTile(args);
  return unitCount(args, <i32>(size >> 32), <i32>size);
}

/** Room for a packed tile of a and one of b, and a register tile for the edges. */
export function matrixProductScratch(args: MatrixProductArgs): i32 {
  const size = unitTile(args);
  const packed = packedBytes(<i32>(size >> 32), <i32>size, args.depth);
  return isQuantized(args.bType) ? packed + ((FEW * <i32>size) << 2) + DEQUANTIZE_SCRATCH : packed;
}

/** Bytes of scratch of `multiply` for `rows` and `columns` of c, and a b that is not quantised. */
export function packedBytes(rows: i32, columns: i32, depth: i32): i32 {
  const packed = (roundUp(rows, TILE_ROWS) + roundUp(columns, TILE_COLUMNS)) * min(depth, DEPTH);
  return (packed + TILE_ROWS * TILE_COLUMNS) << 2;
}

export function computeMatrixProduct(args: MatrixProductArgs, begin: i32, end: i32, scratch: usize): void {
  const size = unitTile(args);
  const rows = <i32>(size >> 32);
  const columns = <i32>size;
  const perRow = (args.columns + columns - 1) / columns;
  for (let unit = begin; unit < end; unit++) {
    const m = (unit / perRow) * rows;
    const n = (unit % perRow) * columns;
    multiply(args, m, min(args.rows - m, rows), n, min(args.columns - n, columns), false, scratch);
  }
}

/** Computes c[m, n] to c[m + rows - 1, n + columns - 1]. `add` adds the products to what c holds. */
export function multiply(
  args: MatrixProductArgs,
  m: i32,
  rows: i32,
  n: i32,
  columns: i32,
  add: bool,
  scratch: usize,
): void {
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
      const size = elementBytes(args.bType);
      let type = args.bType;
      let step = <usize>args.bStride * size;
      let from = args.b + <usize>(k + i) * step + <usize>n * size;
      const few = min(count - i, FEW);
      if (isQuantized(type)) {
        from = packedB + ((<usize>roundUp(columns, TILE_COLUMNS) * depth) << 2);
        step = (<usize>columns) << 2;
        widenRight(args, k + i, few, n, columns, from);
        type = F32;
      }
      for (let j = 0; j < columns; j += TILE_COLUMNS) {
        packRight(from, step, type, min(columns - j, TILE_COLUMNS), few, to);
        from += TILE_COLUMNS * elementBytes(type);
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
        if (tall == TILE_ROWS && wide == TILE_COLUMNS) tile(a, b, count, c, row, add || k > 0);
        else {
          tile(a, b, count, edge, TILE_COLUMNS << 2, false);
          addEdge(c, row, edge, tall, wide, add || k > 0);
        }
        a += aPanel;
        c += <usize>TILE_ROWS * row;
      }
      b += bPanel;
    }
  }
}

/** Converts rows [k, k + count) and columns [n, n + columns) of a quantised b to f32: `count` rounded up to 4. */
function widenRight(args: MatrixProductArgs, k: i32, count: i32, n: i32, columns: i32, to: usize): void {
  const step = (<usize>columns) << 2;
  const width = blockColumns(args.bType);
  const blocks = args.columns / width;
  const size = groupBytes(args.bType, blocks);
  const spare = to + FEW * step;
  for (let row = k; row < k + count; row += 4) {
    const group = args.b + <usize>(row >> 2) * size;
    dequantizeGroup(group, blocks, n / width, columns / width, to, step, spare, args.bType);
    to += step << 2;
  }
}

/** c = a · b, or c += a · b, for one register tile from panels of `count` steps. Rows of c are `row` bytes apart. */
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

/** Copies or adds the part of a register tile that lies inside of c. */
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
