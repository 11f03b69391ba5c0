import { choicesOf, gatherChoices, tileAt } from "./expertPlan.ts";
import { multiply, packedBytes } from "./matrixProduct.ts";
import { MatrixProductArgs } from "./matrixProductArgs.ts";
import { F32, Pointer } from "./records.ts";

// dWeight[e] = sum over the choices p of expert e of dy[p] ⊗ x[row of p], in ascending order; 0 for an expert without any. The plan
// has one tile for each expert.

@unmanaged
export class ExpertLinearBackwardWeightArgs {
  dy!: Pointer; // f32 [choices, outFeatures]
  x!: Pointer; // f32
  plan!: Pointer; // see expertPlan.ts
  dWeight!: Pointer; // f32 [experts, outFeatures, inFeatures]
  tiles!: i32;
  order!: i32;
  perRow!: i32; // choices that share a row of x
  inFeatures!: i32;
  outFeatures!: i32;
  dyStride!: i32;
  xStride!: i32;
}

/** Rows and columns of one unit. */
const SIZE: i32 = 128;
/** Choices that are gathered at a time. */
const DEPTH: i32 = 256;
/** Bytes of a MatrixProductArgs, in whole registers. */
const ARGS_BYTES: usize = 64;

@inline
function rowUnits(args: ExpertLinearBackwardWeightArgs): i32 {
  return (args.outFeatures + SIZE - 1) / SIZE;
}

@inline
function columnUnits(args: ExpertLinearBackwardWeightArgs): i32 {
  return (args.inFeatures + SIZE - 1) / SIZE;
}

export function expertLinearBackwardWeightUnits(args: ExpertLinearBackwardWeightArgs): i32 {
  return args.tiles * rowUnits(args) * columnUnits(args);
}

export function expertLinearBackwardWeightScratch(args: ExpertLinearBackwardWeightArgs): i32 {
  return <i32>ARGS_BYTES + ((2 * SIZE * DEPTH) << 2) + packedBytes(SIZE, SIZE, DEPTH);
}

export function expertLinearBackwardWeightRun(
  args: ExpertLinearBackwardWeightArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const perRow = columnUnits(args);
  const perTile = rowUnits(args) * perRow;
  for (let unit = begin; unit < end; unit++) {
    const place = unit % perTile;
    multiplyTile(args, unit / perTile, (place / perRow) * SIZE, (place % perRow) * SIZE, scratch);
  }
}

function multiplyTile(args: ExpertLinearBackwardWeightArgs, index: i32, m: i32, n: i32, scratch: usize): void {
  const tile = tileAt(args.plan, index);
  const rows = min(args.outFeatures - m, SIZE);
  const columns = min(args.inFeatures - n, SIZE);
  const row = (<usize>args.inFeatures) << 2;
  const to = args.dWeight + <usize>(tile.expert * args.outFeatures + m) * row + ((<usize>n) << 2);
  if (tile.count == 0) {
    for (let r: usize = 0; r < <usize>rows; r++) memory.fill(to + r * row, 0, (<usize>columns) << 2);
    return;
  }
  const product = changetype<MatrixProductArgs>(scratch);
  const a = scratch + ARGS_BYTES;
  const b = a + ((SIZE * DEPTH) << 2);
  const packed = b + ((SIZE * DEPTH) << 2);
  product.a = a;
  product.b = b;
  product.c = to;
  product.rows = rows;
  product.columns = args.inFeatures;
  product.aStride = rows;
  product.aByColumns = 1;
  product.bStride = columns;
  product.bType = F32;
  const choices = choicesOf(args.plan, args.order, tile);
  for (let i = 0; i < tile.count; i += DEPTH) {
    const count = min(tile.count - i, DEPTH);
    const chosen = choices + ((<usize>i) << 2);
    gatherChoices(args.dy, args.dyStride, chosen, count, 1, m, rows, a);
    gatherChoices(args.x, args.xStride, chosen, count, args.perRow, n, columns, b);
    product.depth = count;
    multiply(product, 0, rows, 0, columns, i > 0, packed);
  }
}
