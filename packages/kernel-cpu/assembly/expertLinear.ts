import { choicesOf, gatherChoices, rowAt, tileAt } from "./expertPlan.ts";
import { elementBytes } from "./half.ts";
import { LinearArgs, linearColumns, linearSpareBytes, scaleSingle } from "./linear.ts";
import { dequantizeRows } from "./quantized/dequantize.ts";
import { F32, isQuantized, Pointer, StorageType } from "./records.ts";

// y[p] = weight[e] · x[row of p] for each choice p of an expert e: `linear` on a tile of choices of one expert, with its bits. The rows
// of a tile are gathered, and its results scattered. Only the weights of chosen experts are read.

@unmanaged
export class ExpertLinearArgs {
  x!: Pointer; // f32
  weight!: Pointer; // [experts, outFeatures, inFeatures], stored as weightType
  plan!: Pointer; // see expertPlan.ts
  y!: Pointer; // f32 [choices, outFeatures]
  tiles!: i32; // may be 0
  order!: i32;
  tileRows!: i32; // most choices of a tile
  perRow!: i32; // choices that share a row of x
  inFeatures!: i32;
  outFeatures!: i32;
  xStride!: i32;
  weightType!: StorageType;
}

/** Rows of a quantised weight that are converted together. */
const GROUP: i32 = 32;
/** Bytes of a LinearArgs, in whole registers. */
const ARGS_BYTES: usize = 64;

/** Columns of one unit: whole groups of about 256 KiB in f32. */
@inline
function unitColumns(args: ExpertLinearArgs): i32 {
  return max((65536 / args.inFeatures) & -GROUP, GROUP);
}

@inline
function columnUnits(args: ExpertLinearArgs): i32 {
  const columns = unitColumns(args);
  return (args.outFeatures + columns - 1) / columns;
}

export function expertLinearUnits(args: ExpertLinearArgs): i32 {
  return args.tiles * columnUnits(args);
}

/** Room for the arguments of `linear` and its scratch, converted rows of the weight, the rows of a tile, and its results. */
export function expertLinearScratch(args: ExpertLinearArgs): i32 {
  const rows = (args.tileRows * (args.inFeatures + args.outFeatures)) << 2;
  return <i32>ARGS_BYTES + linearSpareBytes(args.inFeatures) + widenedBytes(args) + rows;
}

/** Bytes of the converted rows of a quantised weight: a group that may begin and end inside of four stored rows. */
@inline
function widenedBytes(args: ExpertLinearArgs): i32 {
  return isQuantized(args.weightType) ? ((GROUP + 8) * args.inFeatures) << 2 : 0;
}

export function expertLinearRun(args: ExpertLinearArgs, begin: i32, end: i32, scratch: usize): void {
  const columns = unitColumns(args);
  const perTile = columnUnits(args);
  for (let unit = begin; unit < end; unit++) {
    const o = (unit % perTile) * columns;
    multiplyTile(args, unit / perTile, o, min(o + columns, args.outFeatures), scratch);
  }
}

/** Computes results [o, last) of a tile. */
function multiplyTile(args: ExpertLinearArgs, index: i32, o: i32, last: i32, scratch: usize): void {
  const tile = tileAt(args.plan, index);
  const choices = choicesOf(args.plan, args.order, tile);
  const count = tile.count;
  const linear = changetype<LinearArgs>(scratch);
  const spare = scratch + ARGS_BYTES;
  const widened = spare + linearSpareBytes(args.inFeatures);
  const rows = widened + widenedBytes(args);
  const results = rows + ((<usize>count * args.inFeatures) << 2);
  linear.bias = 0;
  linear.rows = count;
  linear.inFeatures = args.inFeatures;
  linear.outFeatures = args.outFeatures;
  linear.xStride = args.inFeatures;
  linear.weightType = args.weightType;
  if (count == 1) {
    // A single row stays where it is.
    linear.x = args.x + ((<usize>rowAt(choices, 0, args.perRow) * args.xStride) << 2);
    linear.y = args.y + ((<usize>load<i32>(choices) * args.outFeatures) << 2);
  } else {
    gatherChoices(args.x, args.xStride, choices, count, args.perRow, 0, args.inFeatures, rows);
    linear.x = rows;
    linear.y = results;
  }
  const first = tile.expert * args.outFeatures;
  if (isQuantized(args.weightType)) multiplyWidened(args, linear, first, o, last, widened, spare);
  else {
    linear.weight = args.weight + <usize>first * args.inFeatures * elementBytes(args.weightType);
    linearColumns(linear, 0, count, o, last, scaleSingle(linear, spare), spare);
  }
  if (count == 1) return;
  const bytes = (<usize>(last - o)) << 2;
  for (let i = 0; i < count; i++) {
    const choice = <usize>load<i32>(choices + ((<usize>i) << 2));
    const from = results + ((<usize>(i * args.outFeatures + o)) << 2);
    memory.copy(args.y + ((choice * args.outFeatures + o) << 2), from, bytes);
  }
}

/** Computes results [o, last) with a quantised weight, of which the expert's rows begin at row `first`. */
function multiplyWidened(
  args: ExpertLinearArgs,
  linear: LinearArgs,
  first: i32,
  o: i32,
  last: i32,
  widened: usize,
  spare: usize,
): void {
  const step = (<usize>args.inFeatures) << 2;
  const y = linear.y;
  linear.weightType = F32;
  for (; o < last; o += GROUP) {
    const count = min(last - o, GROUP);
    // Stored rows come in groups of four.
    const skipped = (first + o) & 3;
    const from = first + o - skipped;
    dequantizeRows(args.weight, args.inFeatures, from, skipped + count, widened, step, spare, args.weightType);
    linear.weight = widened + <usize>skipped * step;
    linear.y = y + ((<usize>o) << 2);
    linearColumns(linear, 0, linear.rows, 0, count, false, spare);
  }
}
