import { dot, dotsFour, dotsTwoByFour } from "./dots.ts";
import { elementBytes, PACKED_REBIAS, REBIAS, widenRow } from "./half.ts";
import { dotsFourHalves, scaleRow } from "./halfDots.ts";
import { DEQUANTIZE_SCRATCH, dequantizeRows } from "./quantized/dequantize.ts";
import { BF16, F16, F16_PACKED, F32, isQuantized, OptionalPointer, Pointer, StorageType } from "./records.ts";

// y[m, o] = sum_k x[m, k] · weight[o, k] + bias[o]
//
// Both factors lie in memory along k, so every result is a dot product of two rows as they are: nothing is packed or
// transposed. A tile of four weight rows stays in L1 while pairs of rows of x pass over it: 2 x 4 dot products keep eight sums
// in registers, and load six registers for eight multiply-adds. With few rows of x the weight is then read at the speed of
// memory, and many rows run at the speed of arithmetic, by the same code. The four rows of a tile are a quarter of the unit
// apart, and the next tile is the next row of each: memory is read as four long streams, which the hardware prefetches
// (measured with one row of x: f32 a quarter faster than four neighbouring rows, f16 and bf16 a third).
//
// Measured at 512 x 768 x 3072 this is as fast as a 4 x 8 register tile on packed panels (both within a few percent of the
// multiply-add loop in registers), and from 4 to 64 rows it is faster, because nothing is packed first.
//
// k goes by in chunks of at most DEPTH, whose sums are added in order. The chunks depend on inFeatures alone, so that a row has the
// same bits whatever the number of rows. With many rows, x goes by in chunks of rows that fit L2, and groups of half-precision
// weight rows are converted to f32 in scratch once for all rows. So are quantised weights, when x is not rounded to int8.

const TILE: i32 = 4;
const DEPTH: i32 = 1024;
const CHUNK_NUMBERS: i32 = 65536;
const FEW: i32 = 8;
const GROUP: i32 = 32;

@unmanaged
export class LinearArgs {
  x!: Pointer; // f32 [rows, inFeatures]
  weight!: Pointer; // [outFeatures, inFeatures], stored as weightType
  bias!: OptionalPointer; // f32 [outFeatures]
  y!: Pointer; // f32 [rows, outFeatures]
  rows!: i32; // may be 0
  inFeatures!: i32;
  outFeatures!: i32;
  xStride!: i32;
  weightType!: StorageType;
}

/** Extent of a chunk of k: a multiple of 8. */
@inline
function chunkDepth(args: LinearArgs): i32 {
  const chunks = max((args.inFeatures + DEPTH - 1) / DEPTH, 1);
  return ((args.inFeatures + chunks - 1) / chunks + 7) & ~7;
}

/** Weight rows that are converted together: as many as fit L1 for few rows of x, L2 for many. */
@inline
function groupColumns(args: LinearArgs): i32 {
  return args.rows <= FEW ? TILE : GROUP;
}

/** Nanoseconds for one column of all rows: the larger of 16 bytes/ns from memory and 30 flop/ns. */
@inline
function columnCost(args: LinearArgs): i64 {
  const bytes = args.inFeatures * <i32>elementBytes(args.weightType);
  if (isQuantized(args.weightType)) return (<i64>args.inFeatures * (2 + args.rows)) / 15 + 1;
  return max(<i64>(bytes / 16), (<i64>args.inFeatures * args.rows) / 15) + 1;
}

/** Weight rows in one unit: whole groups, about 16 µs of work, but few enough to make at least 8 units. */
@inline
function unitColumns(args: LinearArgs): i32 {
  const group = groupColumns(args);
  const groups = min(16000 / (group * columnCost(args)), args.outFeatures / (8 * group));
  return group * <i32>max(groups, 1);
}

@inline
function columnUnits(args: LinearArgs): i32 {
  const columns = unitColumns(args);
  return (args.outFeatures + columns - 1) / columns;
}

/** Rows of x in one unit: all when that makes at least 32 units, otherwise fewer, but at least 64. */
@inline
function unitRows(args: LinearArgs): i32 {
  const wanted = (32 + columnUnits(args) - 1) / columnUnits(args);
  return max(((args.rows + wanted - 1) / wanted + 1) & ~1, 64);
}

@inline
function rowUnits(args: LinearArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function linearUnits(args: LinearArgs): i32 {
  return args.rows == 0 ? 0 : columnUnits(args) * rowUnits(args);
}

/** Room for a group of converted weight rows and a scaled row of x, each padded to whole registers. */
export function linearScratch(args: LinearArgs): i32 {
  if (args.weightType == F32) return 0;
  return (groupColumns(args) + 1) * widenedBytes(args) + DEQUANTIZE_SCRATCH;
}

/** Bytes of scratch of `linearColumns` for any number of rows. */
export function linearSpareBytes(inFeatures: i32): i32 {
  return (GROUP + 1) * (((inFeatures + 3) & ~3) << 2) + DEQUANTIZE_SCRATCH;
}

@inline
function widenedBytes(args: LinearArgs): i32 {
  return ((args.inFeatures + 3) & ~3) << 2;
}

export function linearRun(args: LinearArgs, begin: i32, end: i32, scratch: usize): void {
  const columns = unitColumns(args);
  const perColumn = rowUnits(args);
  const rows = unitRows(args);
  const single = scaleSingle(args, scratch);
  for (let unit = begin; unit < end; unit++) {
    const o = (unit / perColumn) * columns;
    const last = min(o + columns, args.outFeatures);
    const m = (unit % perColumn) * rows;
    linearColumns(args, m, min(m + rows, args.rows), o, last, single, scratch);
  }
}

/** Scales the only row of x for `linearColumns`. Returns false when there are other rows, or when it needs another path. */
export function scaleSingle(args: LinearArgs, scratch: usize): bool {
  const scaled = scratch + groupColumns(args) * widenedBytes(args);
  return args.rows == 1 && isHalf(args.weightType) && (args.weightType == BF16 || scaleX(args, scaled));
}

/** Computes y[m, o] to y[lastRow - 1, last - 1]; with few rows of half-precision weights all rows of these columns. */
export function linearColumns(
  args: LinearArgs,
  m: i32,
  lastRow: i32,
  o: i32,
  last: i32,
  single: bool,
  scratch: usize,
): void {
  if (single) singleRow(args, o, last, scratch + groupColumns(args) * widenedBytes(args), scratch);
  else if (args.rows <= FEW && isHalf(args.weightType)) fewRows(args, o, last, scratch);
  else manyRows(args, m, lastRow, o, last, scratch);
}

/** True for types of two bytes. */
@inline
function isHalf(type: i32): bool {
  return type != F32 && !isQuantized(type);
}

/** Scales the only row of x for weights of f16 or packed f16. Returns false when it is too large for that. */
@inline
function scaleX(args: LinearArgs, to: usize): bool {
  return scaleRow(to, args.x, args.inFeatures, args.weightType == F16 ? REBIAS : PACKED_REBIAS);
}

/** Computes y[m, o] to y[lastRow - 1, last - 1]. */
function manyRows(args: LinearArgs, m: i32, lastRow: i32, o: i32, last: i32, scratch: usize): void {
  const stored = <usize>args.inFeatures * elementBytes(args.weightType);
  const widened = <usize>widenedBytes(args);
  const chunk = max(CHUNK_NUMBERS / args.inFeatures, 16) & ~1;
  const isF32 = args.weightType == F32;
  const step = isF32 ? stored : widened;
  const group = isF32 ? last - o : groupColumns(args);
  for (; o < last; o += group) {
    const count = min(last - o, group);
    let weight = args.weight + <usize>o * stored;
    if (isQuantized(args.weightType)) {
      const spare = scratch + (groupColumns(args) + 1) * widened;
      dequantizeRows(args.weight, args.inFeatures, o, count, scratch, widened, spare, args.weightType);
      weight = scratch;
    } else if (!isF32) {
      for (let j: usize = 0; j < <usize>count; j++) {
        widenRow(scratch + j * widened, weight + j * stored, args.inFeatures, args.weightType);
      }
      weight = scratch;
    }
    const apart = count >> 2;
    for (let r = m; r < lastRow; r += chunk) {
      const rows = min(lastRow - r, chunk);
      for (let c = 0; c < apart; c++) {
        tile(args, r, rows, o + c, apart, weight + <usize>c * step, <usize>apart * step);
      }
      for (let c = apart << 2; c < count; c++) column(args, r, rows, o + c, weight + <usize>c * step);
    }
  }
}

/** Computes columns [o, last) of few rows: each tile of the half-precision weight is converted into L1 and used at once. */
function fewRows(args: LinearArgs, o: i32, last: i32, scratch: usize): void {
  const stored = (<usize>args.inFeatures) << 1;
  const widened = <usize>widenedBytes(args);
  const apart = (last - o) >> 2;
  for (let c = o; c < o + apart; c++) {
    for (let j = 0; j < TILE; j++) {
      const from = args.weight + <usize>(c + j * apart) * stored;
      widenRow(scratch + <usize>j * widened, from, args.inFeatures, args.weightType);
    }
    tile(args, 0, args.rows, c, apart, scratch, widened);
  }
  for (let c = o + (apart << 2); c < last; c++) {
    widenRow(scratch, args.weight + <usize>c * stored, args.inFeatures, args.weightType);
    column(args, 0, args.rows, c, scratch);
  }
}

/**
 * Computes rows [m, m + rows) of four columns from o on, `apart` columns apart, with f32 weight rows `step` bytes apart.
 */
function tile(args: LinearArgs, m: i32, rows: i32, o: i32, apart: i32, weight: usize, step: usize): void {
  const depth = chunkDepth(args);
  const xStep = (<usize>args.xStride) << 2;
  const yStep = (<usize>args.outFeatures) << 2;
  const bytes = (<usize>apart) << 2;
  const bias = args.bias ? args.bias + ((<usize>o) << 2) : 0;
  for (let k = 0; k < args.inFeatures; k += depth) {
    const size = min(args.inFeatures - k, depth);
    const w = weight + ((<usize>k) << 2);
    let x = args.x + <usize>m * xStep + ((<usize>k) << 2);
    let y = args.y + <usize>m * yStep + ((<usize>o) << 2);
    // The first chunk starts from the bias, later ones from the sum so far.
    let add = k > 0 ? y : bias;
    const addStep = k > 0 ? yStep : 0;
    let left = rows;
    for (; left > 1; left -= 2) {
      dotsTwoByFour(x, xStep, w, step, size, add, addStep, y, yStep, bytes);
      x += 2 * xStep;
      y += 2 * yStep;
      add += 2 * addStep;
    }
    if (left) dotsFour(x, w, step, size, add, y, bytes);
  }
}

/** Computes rows [m, m + rows) of one column, with the bits that `tile` gives. */
function column(args: LinearArgs, m: i32, rows: i32, o: i32, weight: usize): void {
  const depth = chunkDepth(args);
  for (let r = m; r < m + rows; r++) {
    const x = args.x + ((<usize>r * args.xStride) << 2);
    const y = args.y + ((<usize>r * args.outFeatures + o) << 2);
    let add = args.bias ? args.bias + ((<usize>o) << 2) : 0;
    for (let k = 0; k < args.inFeatures; k += depth) {
      const from = (<usize>k) << 2;
      const sum = dot(x + from, weight + from, min(args.inFeatures - k, depth));
      store<f32>(y, add ? sum + load<f32>(add) : sum);
      add = y;
    }
  }
}

/** Computes columns [o, last) of one row, with the half-precision weight converted in registers. */
function singleRow(args: LinearArgs, o: i32, last: i32, scaled: usize, scratch: usize): void {
  const row = (<usize>args.inFeatures) << 1;
  const apart = (last - o) >> 2;
  for (let c = 0; c < apart; c++) {
    if (halfTile(args, o + c, apart, row, scaled)) continue;
    for (let j = 0; j < TILE; j++) {
      const special = o + c + j * apart;
      fewRows(args, special, special + 1, scratch);
    }
  }
  if ((last - o) & 3) fewRows(args, o + (apart << 2), last, scratch);
}

/** Computes four columns from o on, `apart` apart. Returns false when an f16 row holds an infinity or NaN. */
@inline
function halfTile(args: LinearArgs, o: i32, apart: i32, row: usize, scaled: usize): bool {
  const depth = chunkDepth(args);
  const step = <usize>apart * row;
  const bytes = (<usize>apart) << 2;
  const y = args.y + ((<usize>o) << 2);
  let add = args.bias ? args.bias + ((<usize>o) << 2) : 0;
  for (let k = 0; k < args.inFeatures; k += depth) {
    const count = min(args.inFeatures - k, depth);
    const from = (<usize>k) << 2;
    const x = args.x + from;
    const weight = args.weight + <usize>o * row + ((<usize>k) << 1);
    let finite = true;
    if (args.weightType == F16_PACKED) {
      dotsFourHalves(x, scaled + from, weight, step, bytes, count, add, y, F16_PACKED);
    } else if (args.weightType == F16) {
      finite = dotsFourHalves(x, scaled + from, weight, step, bytes, count, add, y, F16);
    } else dotsFourHalves(x, x, weight, step, bytes, count, add, y, BF16);
    if (!finite) return false;
    add = y;
  }
  return true;
}
