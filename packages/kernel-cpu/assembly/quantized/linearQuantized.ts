import { loadLanes, storeLanes } from "../lanes.ts";
import { OptionalPointer, Pointer, StorageType } from "../records.ts";
import { alignedHalf, groupsScratch, multiplyGroups } from "./groupProducts.ts";
import { blockColumns, groupBytes } from "./layout.ts";
import { quadBytes } from "./quantizeRows.ts";
import { singleRow } from "./singleRow.ts";

// y[m, o] = sum over blocks of dx · d · (sum of q · (code - zero code)) [+ dx · S · m] + bias[o], for the int8 rows of quantizeRows.ts
// and the weight of layout.ts. All sums inside of a block are integers and exact; the blocks are added in ascending order, so that
// a row has the same bits whatever the number of rows.
//
// One row reads the weight once at the speed of memory. For more rows, eight rows of the weight at a time are converted to pairs in
// scratch, DEPTH columns at a time, and all quads of the unit pass over them.

/** Bytes of quads that one unit takes: they stay in L2. */
const UNIT_BYTES: i32 = 262144;

@unmanaged
export class LinearQuantizedArgs {
  x!: Pointer; // from quantizeRows
  weight!: Pointer; // [outFeatures, inFeatures] in the layout of layout.ts
  bias!: OptionalPointer; // f32 [outFeatures]
  y!: Pointer; // f32 [rows, outFeatures]
  rows!: i32; // may be 0
  inFeatures!: i32;
  outFeatures!: i32;
  weightType!: StorageType;
}

/** Number of tiles. With one row of x a tile is two groups of the weight, which lie this many groups apart. */
@inline
function tiles(args: LinearQuantizedArgs): i32 {
  const half = (args.outFeatures + 7) >> 3;
  return args.rows == 1 ? alignedHalf(half, args.inFeatures, args.weightType) : half;
}

@inline
function quads(args: LinearQuantizedArgs): i32 {
  return (args.rows + 3) >> 2;
}

/** Quads in one unit. */
@inline
function unitQuads(args: LinearQuantizedArgs): i32 {
  return min(max(UNIT_BYTES / <i32>quadBytes(args.inFeatures, 4, args.weightType), 1), quads(args));
}

@inline
function quadUnits(args: LinearQuantizedArgs): i32 {
  const size = unitQuads(args);
  return (quads(args) + size - 1) / size;
}

/** Tiles of eight rows of the weight in one unit: about 5 µs of work, so that all threads end at about the same time. */
@inline
function unitTiles(args: LinearQuantizedArgs): i32 {
  const row = <i64>args.inFeatures;
  const cost = args.rows == 1 ? (row * 8) / 16 : ((2 + 4 * <i64>unitQuads(args)) * row * 8) / 36;
  return <i32>max(min(5000 / (cost + 1), <i64>tiles(args) / 8), 1);
}

@inline
function tileUnits(args: LinearQuantizedArgs): i32 {
  const size = unitTiles(args);
  return (tiles(args) + size - 1) / size;
}

export function linearQuantizedUnits(args: LinearQuantizedArgs): i32 {
  return args.rows == 0 ? 0 : tileUnits(args) * quadUnits(args);
}

export function linearQuantizedScratch(args: LinearQuantizedArgs): i32 {
  return args.rows == 1 ? 32 : groupsScratch(args.inFeatures, unitQuads(args), args.weightType);
}

export function linearQuantizedRun(args: LinearQuantizedArgs, begin: i32, end: i32, scratch: usize): void {
  const perQuads = tileUnits(args);
  const size = unitTiles(args);
  for (let unit = begin; unit < end; unit++) {
    const tile = (unit % perQuads) * size;
    const last = min(tile + size, tiles(args));
    if (args.rows == 1) oneRow(args, tile, last, scratch);
    else {
      const quad = (unit / perQuads) * unitQuads(args);
      const count = min(unitQuads(args), quads(args) - quad);
      for (let t = tile; t < last; t++) manyRows(args, t, quad, count, scratch);
    }
  }
}

/** Computes tiles [tile, last) of the only row. */
function oneRow(args: LinearQuantizedArgs, tile: i32, last: i32, scratch: usize): void {
  const type = args.weightType;
  const size = groupBytes(type, args.inFeatures / blockColumns(type));
  const apart = tiles(args);
  const groups = (args.outFeatures + 3) >> 2;
  for (let g = tile; g < last; g++) {
    const h = g + apart < groups ? g + apart : g;
    const w0 = args.weight + <usize>g * size;
    const w1 = args.weight + <usize>h * size;
    singleRow(w0, w1, args.x, args.inFeatures, scratch, type);
    finish(args, 0, g << 2, v128.load(scratch));
    finish(args, 0, h << 2, v128.load(scratch, 16));
  }
}

/** Computes columns [8 · tile, 8 · tile + 8) of `count` quads from `quad` on. */
function manyRows(args: LinearQuantizedArgs, tile: i32, quad: i32, count: i32, scratch: usize): void {
  const type = args.weightType;
  const x = args.x + <usize>quad * quadBytes(args.inFeatures, 4, type);
  // The second group of the last tile may be missing; its results are not used.
  const second = min((tile << 1) + 1, ((args.outFeatures + 3) >> 2) - 1);
  let from = multiplyGroups(args.weight, args.inFeatures, tile << 1, second, x, count, scratch, type);
  const o = tile << 3;
  const last = min((quad + count) << 2, args.rows);
  for (let row = quad << 2; row < last; row++) {
    finish(args, row, o, v128.load(from));
    if (o + 4 < args.outFeatures) finish(args, row, o + 4, v128.load(from, 16));
    from += 32;
  }
}

/** Stores y[row, o] to y[row, o + 3], as many as there are, with the bias. */
@inline
function finish(args: LinearQuantizedArgs, row: i32, o: i32, sums: v128): void {
  const count = args.outFeatures - o;
  const y = args.y + ((<usize>row * args.outFeatures + o) << 2);
  const bias = args.bias;
  storeLanes(y, bias ? f32x4.add(sums, loadLanes(bias + ((<usize>o) << 2), count)) : sums, count);
}
