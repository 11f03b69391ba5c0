import { choicesOf, gatherChoices, tileAt } from "./expertPlan.ts";
import { elementBytes } from "./half.ts";
import { multiply, packedBytes } from "./matrixProduct.ts";
import { MatrixProductArgs } from "./matrixProductArgs.ts";
import { DEQUANTIZE_SCRATCH, dequantizeGroup } from "./quantized/dequantize.ts";
import { blockColumns, groupBytes } from "./quantized/layout.ts";
import { F32, isQuantized, Pointer, StorageType } from "./records.ts";

// dx[p] = dy[p] · weight[e] for each choice p of an expert e: a matrix product of a tile of choices with the expert's weight.

@unmanaged
export class ExpertLinearBackwardInputArgs {
  dy!: Pointer; // f32 [choices, outFeatures]
  weight!: Pointer; // [experts, outFeatures, inFeatures], stored as weightType
  plan!: Pointer; // see expertPlan.ts
  dx!: Pointer; // f32 [choices, inFeatures]
  tiles!: i32; // may be 0
  order!: i32;
  tileRows!: i32; // most choices of a tile
  inFeatures!: i32;
  outFeatures!: i32;
  dyStride!: i32;
  weightType!: StorageType;
}

/** Columns of one unit: whole blocks of every type. */
const COLUMNS: i32 = 128;
/** Bytes of a MatrixProductArgs, in whole registers. */
const ARGS_BYTES: usize = 64;

@inline
function columnUnits(args: ExpertLinearBackwardInputArgs): i32 {
  return (args.inFeatures + COLUMNS - 1) / COLUMNS;
}

export function expertLinearBackwardInputUnits(args: ExpertLinearBackwardInputArgs): i32 {
  return args.tiles * columnUnits(args);
}

export function expertLinearBackwardInputScratch(args: ExpertLinearBackwardInputArgs): i32 {
  const rows = (args.tileRows * (args.outFeatures + COLUMNS)) << 2;
  const packed = packedBytes(args.tileRows, COLUMNS, args.outFeatures);
  return <i32>ARGS_BYTES + rows + packed + widenedBytes(args) + DEQUANTIZE_SCRATCH;
}

/** Bytes of the converted columns of a quantised weight: an expert may begin and end inside of four stored rows. */
@inline
function widenedBytes(args: ExpertLinearBackwardInputArgs): i32 {
  return isQuantized(args.weightType) ? ((args.outFeatures + 8) * COLUMNS) << 2 : 0;
}

export function expertLinearBackwardInputRun(
  args: ExpertLinearBackwardInputArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const perTile = columnUnits(args);
  for (let unit = begin; unit < end; unit++) {
    multiplyTile(args, unit / perTile, (unit % perTile) * COLUMNS, scratch);
  }
}

/** Computes columns [n, n + COLUMNS) of a tile. */
function multiplyTile(args: ExpertLinearBackwardInputArgs, index: i32, n: i32, scratch: usize): void {
  const tile = tileAt(args.plan, index);
  const choices = choicesOf(args.plan, args.order, tile);
  const count = tile.count;
  const columns = min(args.inFeatures - n, COLUMNS);
  const product = changetype<MatrixProductArgs>(scratch);
  const rows = scratch + ARGS_BYTES;
  const results = rows + ((<usize>count * args.outFeatures) << 2);
  const widened = results + ((<usize>count * COLUMNS) << 2);
  const packed = widened + widenedBytes(args);
  gatherChoices(args.dy, args.dyStride, choices, count, 1, 0, args.outFeatures, rows);
  product.a = rows;
  product.c = results;
  product.rows = count;
  product.columns = columns;
  product.depth = args.outFeatures;
  product.aStride = args.outFeatures;
  product.aByColumns = 0;
  const first = tile.expert * args.outFeatures;
  if (isQuantized(args.weightType)) {
    const skipped = first & 3;
    widenColumns(args, first - skipped, skipped + args.outFeatures, n, columns, widened, packed);
    product.b = widened + ((<usize>(skipped * columns)) << 2);
    product.bStride = columns;
    product.bType = F32;
  } else {
    product.b = args.weight + (<usize>first * args.inFeatures + n) * elementBytes(args.weightType);
    product.bStride = args.inFeatures;
    product.bType = args.weightType;
  }
  multiply(product, 0, count, 0, columns, false, packed);
  const bytes = (<usize>columns) << 2;
  for (let i: usize = 0; i < <usize>count; i++) {
    const choice = <usize>load<i32>(choices + (i << 2));
    memory.copy(args.dx + ((choice * args.inFeatures + n) << 2), results + i * bytes, bytes);
  }
}

/** Converts columns [n, n + columns) of `rows` rows of the weight from `first` on, a multiple of 4, to f32. */
function widenColumns(
  args: ExpertLinearBackwardInputArgs,
  first: i32,
  rows: i32,
  n: i32,
  columns: i32,
  to: usize,
  spare: usize,
): void {
  const type = args.weightType;
  const width = blockColumns(type);
  const blocks = args.inFeatures / width;
  const size = groupBytes(type, blocks);
  const step = (<usize>columns) << 2;
  for (let row = first; row < first + rows; row += 4) {
    const group = args.weight + <usize>(row >> 2) * size;
    dequantizeGroup(group, blocks, n / width, columns / width, to, step, spare, type);
    to += step << 2;
  }
}
