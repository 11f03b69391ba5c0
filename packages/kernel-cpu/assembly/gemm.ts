import { BF16, F16, F32, LinearArgs } from "./args.ts";
import { elementBytes, loadWide, loadWidePartial } from "./half.ts";
import { madd } from "./math.ts";

// y[m, o] = bias[o] + sum_k x[m, k] · weight[o, k] for many rows m.
//
// A unit is a block of rows x BLOCK_COLUMNS results. For each DEPTH of k it packs its columns of the weight as f32 panels
// [k][8] into scratch (96 KiB, for L2), and goes over them with a register tile of 4 rows x 8 columns: 8 accumulators,
// two registers of the panel and one number of x leave room for the products; 6 x 8 would spill. Four rows of x
// (12 KiB) stay in L1 for all panels. The sum over k is in ascending order whatever the blocks are.
//
// Tried at 512 x 768 x 3072: depth 256 and 64 columns reach 81 % of the multiply-add ceiling where these reach 92 %,
// since results far apart in memory are then loaded and stored three times; panels before rows costs 4 %.

const BLOCK_COLUMNS: i32 = 32;
const DEPTH: i32 = 768;

// Scratch: packed weight, bias of the block (zeros without one), a tile for the edges of y.
const PANEL_BYTES: usize = <usize>(DEPTH * 8 * 4);
const BIAS: usize = PANEL_BYTES * <usize>(BLOCK_COLUMNS / 8);
const EDGE: usize = BIAS + <usize>(BLOCK_COLUMNS * 4);

@inline
function columnBlocks(args: LinearArgs): i32 {
  return (args.outFeatures + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS;
}

/**
 * Rows in one unit. Every block of rows packs the weight anew, which costs about as much as 5 rows; so all rows, up to
 * 512, unless that leaves fewer than 32 units for the threads, and then not below 128.
 */
@inline
function blockRows(args: LinearArgs): i32 {
  const wanted = (32 + columnBlocks(args) - 1) / columnBlocks(args);
  const rows = ((args.rows + wanted - 1) / wanted + 3) & ~3;
  return min(max(rows, 128), 512);
}

@inline
function rowBlocks(args: LinearArgs): i32 {
  const rows = blockRows(args);
  return (args.rows + rows - 1) / rows;
}

export function gemmUnits(args: LinearArgs): i32 {
  return rowBlocks(args) * columnBlocks(args);
}

export function gemmScratch(args: LinearArgs): i32 {
  return <i32>EDGE + 4 * 8 * 4;
}

export function gemmRange(args: LinearArgs, begin: i32, end: i32, scratch: usize): void {
  const blocks = rowBlocks(args);
  const rows = blockRows(args);
  for (let unit = begin; unit < end; unit++) {
    const o = (unit / blocks) * BLOCK_COLUMNS;
    const m = (unit % blocks) * rows;
    const columns = min(args.outFeatures - o, BLOCK_COLUMNS);
    multiply(args, m, min(args.rows - m, rows), o, columns, scratch);
  }
}

function multiply(args: LinearArgs, m: i32, rows: i32, o: i32, columns: i32, scratch: usize): void {
  memory.fill(scratch + BIAS, 0, BLOCK_COLUMNS * 4);
  if (args.bias) memory.copy(scratch + BIAS, args.bias + ((<usize>o) << 2), (<usize>columns) << 2);
  for (let k = 0; k < args.inFeatures; k += DEPTH) {
    const depth = min(args.inFeatures - k, DEPTH);
    for (let c = 0; c < columns; c += 8) {
      const panel = scratch + <usize>(c >> 3) * PANEL_BYTES;
      packFour(args, o + c, k, depth, panel);
      packFour(args, o + c + 4, k, depth, panel + 16);
    }
    for (let r = 0; r < rows; r += 4) {
      for (let c = 0; c < columns; c += 8) {
        const panel = scratch + <usize>(c >> 3) * PANEL_BYTES;
        const bias = k == 0 ? scratch + BIAS + (c << 2) : 0;
        tile(args, m + r, min(rows - r, 4), o + c, min(columns - c, 8), k, depth, panel, bias, scratch + EDGE);
      }
    }
  }
}

/** Weight rows [o, o + 4) transposed to every other register of `to`. Rows behind the last repeat it: not stored. */
function packFour(args: LinearArgs, o: i32, k: i32, depth: i32, to: usize): void {
  const bytes = elementBytes(args.weightType);
  const row = <usize>args.inFeatures * bytes;
  const last = args.outFeatures - 1;
  const from = args.weight + <usize>k * bytes;
  const w0 = from + <usize>min(o, last) * row;
  const w1 = from + <usize>min(o + 1, last) * row;
  const w2 = from + <usize>min(o + 2, last) * row;
  const w3 = from + <usize>min(o + 3, last) * row;
  if (args.weightType == F32) packRows(w0, w1, w2, w3, depth, to, F32);
  else if (args.weightType == F16) packRows(w0, w1, w2, w3, depth, to, F16);
  else packRows(w0, w1, w2, w3, depth, to, BF16);
}

@inline
function packRows(w0: usize, w1: usize, w2: usize, w3: usize, depth: i32, to: usize, type: i32): void {
  const rest = depth & 3;
  const step = elementBytes(type) * 4;
  for (let k = depth >> 2; k > 0; k--) {
    const a = loadWide(w0, type);
    const b = loadWide(w1, type);
    const c = loadWide(w2, type);
    const d = loadWide(w3, type);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const CD = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
    v128.store(to, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 32);
    v128.store(to, v128.shuffle<f32>(AB, CD, 0, 1, 4, 5), 64);
    v128.store(to, v128.shuffle<f32>(AB, CD, 2, 3, 6, 7), 96);
    w0 += step;
    w1 += step;
    w2 += step;
    w3 += step;
    to += 128;
  }
  for (let k = 0; k < rest; k++) {
    const bytes = elementBytes(type) * k;
    let column = loadWidePartial(w0 + bytes, 1, type);
    column = v128.shuffle<f32>(column, loadWidePartial(w1 + bytes, 1, type), 0, 4, 2, 3);
    column = v128.shuffle<f32>(column, loadWidePartial(w2 + bytes, 1, type), 0, 1, 4, 3);
    column = v128.shuffle<f32>(column, loadWidePartial(w3 + bytes, 1, type), 0, 1, 2, 4);
    v128.store(to, column);
    to += 32;
  }
}

/** Adds `depth` products to the results [m, m + rows) x [o, o + columns), at most 4 x 8; `bias` starts a sum. */
@inline
function tile(
  args: LinearArgs,
  m: i32,
  rows: i32,
  o: i32,
  columns: i32,
  k: i32,
  depth: i32,
  panel: usize,
  bias: usize,
  edge: usize,
): void {
  const yStep = (<usize>args.outFeatures) << 2;
  const xStep = (<usize>args.xStride) << 2;
  const y = args.y + <usize>m * yStep + ((<usize>o) << 2);
  const x = args.x + <usize>m * xStep + ((<usize>k) << 2);
  if (rows == 4 && columns == 8) {
    kernel(x, x + xStep, x + 2 * xStep, x + 3 * xStep, panel, depth, bias, y, yStep);
    return;
  }
  // A tile over the edge of y is computed in scratch, with the last row of x in place of rows that are not there.
  const bytes = (<usize>columns) << 2;
  if (!bias) for (let r = 0; r < rows; r++) memory.copy(edge + (r << 5), y + <usize>r * yStep, bytes);
  const x1 = x + <usize>min(1, rows - 1) * xStep;
  const x2 = x + <usize>min(2, rows - 1) * xStep;
  const x3 = x + <usize>min(3, rows - 1) * xStep;
  kernel(x, x1, x2, x3, panel, depth, bias, edge, 32);
  for (let r = 0; r < rows; r++) memory.copy(y + <usize>r * yStep, edge + (r << 5), bytes);
}

function kernel(
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  panel: usize,
  depth: i32,
  bias: usize,
  y0: usize,
  yStep: usize,
): void {
  const y1 = y0 + yStep;
  const y2 = y1 + yStep;
  const y3 = y2 + yStep;
  let a0: v128, a1: v128, b0: v128, b1: v128, c0: v128, c1: v128, d0: v128, d1: v128;
  if (bias) {
    a0 = b0 = c0 = d0 = v128.load(bias);
    a1 = b1 = c1 = d1 = v128.load(bias, 16);
  } else {
    a0 = v128.load(y0);
    a1 = v128.load(y0, 16);
    b0 = v128.load(y1);
    b1 = v128.load(y1, 16);
    c0 = v128.load(y2);
    c1 = v128.load(y2, 16);
    d0 = v128.load(y3);
    d1 = v128.load(y3, 16);
  }
  const end = panel + ((<usize>depth) << 5);
  const blocks = panel + ((<usize>depth & ~3) << 5);
  while (panel < blocks) {
    let w0 = v128.load(panel);
    let w1 = v128.load(panel, 16);
    let x = v128.load32_splat(x0);
    a0 = madd(x, w0, a0);
    a1 = madd(x, w1, a1);
    x = v128.load32_splat(x1);
    b0 = madd(x, w0, b0);
    b1 = madd(x, w1, b1);
    x = v128.load32_splat(x2);
    c0 = madd(x, w0, c0);
    c1 = madd(x, w1, c1);
    x = v128.load32_splat(x3);
    d0 = madd(x, w0, d0);
    d1 = madd(x, w1, d1);

    w0 = v128.load(panel, 32);
    w1 = v128.load(panel, 48);
    x = v128.load32_splat(x0, 4);
    a0 = madd(x, w0, a0);
    a1 = madd(x, w1, a1);
    x = v128.load32_splat(x1, 4);
    b0 = madd(x, w0, b0);
    b1 = madd(x, w1, b1);
    x = v128.load32_splat(x2, 4);
    c0 = madd(x, w0, c0);
    c1 = madd(x, w1, c1);
    x = v128.load32_splat(x3, 4);
    d0 = madd(x, w0, d0);
    d1 = madd(x, w1, d1);

    w0 = v128.load(panel, 64);
    w1 = v128.load(panel, 80);
    x = v128.load32_splat(x0, 8);
    a0 = madd(x, w0, a0);
    a1 = madd(x, w1, a1);
    x = v128.load32_splat(x1, 8);
    b0 = madd(x, w0, b0);
    b1 = madd(x, w1, b1);
    x = v128.load32_splat(x2, 8);
    c0 = madd(x, w0, c0);
    c1 = madd(x, w1, c1);
    x = v128.load32_splat(x3, 8);
    d0 = madd(x, w0, d0);
    d1 = madd(x, w1, d1);

    w0 = v128.load(panel, 96);
    w1 = v128.load(panel, 112);
    x = v128.load32_splat(x0, 12);
    a0 = madd(x, w0, a0);
    a1 = madd(x, w1, a1);
    x = v128.load32_splat(x1, 12);
    b0 = madd(x, w0, b0);
    b1 = madd(x, w1, b1);
    x = v128.load32_splat(x2, 12);
    c0 = madd(x, w0, c0);
    c1 = madd(x, w1, c1);
    x = v128.load32_splat(x3, 12);
    d0 = madd(x, w0, d0);
    d1 = madd(x, w1, d1);

    panel += 128;
    x0 += 16;
    x1 += 16;
    x2 += 16;
    x3 += 16;
  }
  while (panel < end) {
    const w0 = v128.load(panel);
    const w1 = v128.load(panel, 16);
    let x = v128.load32_splat(x0);
    a0 = madd(x, w0, a0);
    a1 = madd(x, w1, a1);
    x = v128.load32_splat(x1);
    b0 = madd(x, w0, b0);
    b1 = madd(x, w1, b1);
    x = v128.load32_splat(x2);
    c0 = madd(x, w0, c0);
    c1 = madd(x, w1, c1);
    x = v128.load32_splat(x3);
    d0 = madd(x, w0, d0);
    d1 = madd(x, w1, d1);
    panel += 32;
    x0 += 4;
    x1 += 4;
    x2 += 4;
    x3 += 4;
  }
  v128.store(y0, a0);
  v128.store(y0, a1, 16);
  v128.store(y1, b0);
  v128.store(y1, b1, 16);
  v128.store(y2, c0);
  v128.store(y2, c1, 16);
  v128.store(y3, d0);
  v128.store(y3, d1, 16);
}
