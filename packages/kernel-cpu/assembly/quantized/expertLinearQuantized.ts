import { choicesOf, ExpertTile, tileAt } from "../expertPlan.ts";
import { Pointer, StorageType } from "../records.ts";
import { alignedHalf, groupsScratch, multiplyGroups } from "./groupProducts.ts";
import { blockColumns, groupBytes } from "./layout.ts";
import { singleRow } from "./singleRow.ts";

// y[p] = weight[e] · x[row of p] for each choice p of an expert e: linearQuantized on a tile of choices of one expert, with its bits, for
// the int8 rows of quantizeExpertRows. Rows of the weight are stored in groups of four: the first and the last group of an expert may
// hold rows of its neighbours, whose results are not stored.

@unmanaged
export class ExpertLinearQuantizedArgs {
  x!: Pointer; // from quantizeExpertRows
  weight!: Pointer; // [experts · outFeatures, inFeatures] in the layout of layout.ts
  plan!: Pointer; // see expertPlan.ts
  y!: Pointer; // f32 [choices, outFeatures]
  tiles!: i32; // may be 0
  order!: i32;
  tileRows!: i32; // most choices of a tile
  inFeatures!: i32;
  outFeatures!: i32;
  weightType!: StorageType;
}

/** Most groups that hold rows of one expert. */
@inline
function expertGroups(args: ExpertLinearQuantizedArgs): i32 {
  return ((args.outFeatures + 3) >> 2) + (args.outFeatures & 3 ? 1 : 0);
}

/** Pairs of groups. Those of a single row lie this many groups apart. */
@inline
function pairs(args: ExpertLinearQuantizedArgs): i32 {
  return alignedHalf((expertGroups(args) + 1) >> 1, args.inFeatures, args.weightType);
}

/** Pairs of groups in one unit: about 5 µs of work for one row, more for tiles of many rows. */
@inline
function unitPairs(args: ExpertLinearQuantizedArgs): i32 {
  return max(min(10000 / args.inFeatures, pairs(args)), 1);
}

@inline
function pairUnits(args: ExpertLinearQuantizedArgs): i32 {
  const size = unitPairs(args);
  return (pairs(args) + size - 1) / size;
}

export function expertLinearQuantizedUnits(args: ExpertLinearQuantizedArgs): i32 {
  return args.tiles * pairUnits(args);
}

export function expertLinearQuantizedScratch(args: ExpertLinearQuantizedArgs): i32 {
  return 32 + groupsScratch(args.inFeatures, (args.tileRows + 3) >> 2, args.weightType);
}

export function expertLinearQuantizedRun(
  args: ExpertLinearQuantizedArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const perTile = pairUnits(args);
  const size = unitPairs(args);
  for (let unit = begin; unit < end; unit++) {
    const tile = tileAt(args.plan, unit / perTile);
    const first = (unit % perTile) * size;
    const last = min(first + size, pairs(args));
    if (tile.count == 1) oneRow(args, tile, first, last, scratch);
    else manyRows(args, tile, first, last, scratch);
  }
}

/** Computes pairs [first, last) of a tile of one choice. */
function oneRow(args: ExpertLinearQuantizedArgs, tile: ExpertTile, first: i32, last: i32, scratch: usize): void {
  const type = args.weightType;
  const size = groupBytes(type, args.inFeatures / blockColumns(type));
  const row = tile.expert * args.outFeatures;
  const begin = row >> 2;
  const end = (row + args.outFeatures + 3) >> 2;
  const apart = pairs(args);
  const x = args.x + tile.offset;
  const choice = load<i32>(choicesOf(args.plan, args.order, tile));
  const y = args.y + ((<usize>choice * args.outFeatures) << 2);
  for (let pair = first; pair < last; pair++) {
    const g = begin + pair;
    if (g >= end) break;
    const h = g + apart < end ? g + apart : g;
    singleRow(args.weight + <usize>g * size, args.weight + <usize>h * size, x, args.inFeatures, scratch, type);
    storeGroup(args, (g << 2) - row, v128.load(scratch), y);
    if (h != g) storeGroup(args, (h << 2) - row, v128.load(scratch, 16), y);
  }
}

/** Computes pairs [first, last) of neighbouring groups of a tile. */
function manyRows(args: ExpertLinearQuantizedArgs, tile: ExpertTile, first: i32, last: i32, scratch: usize): void {
  const row = tile.expert * args.outFeatures;
  const begin = row >> 2;
  const end = (row + args.outFeatures + 3) >> 2;
  const quads = (tile.count + 3) >> 2;
  const x = args.x + tile.offset;
  const choices = choicesOf(args.plan, args.order, tile);
  for (let pair = first; pair < last; pair++) {
    const g = begin + 2 * pair;
    if (g >= end) break;
    const h = min(g + 1, end - 1);
    let from = multiplyGroups(args.weight, args.inFeatures, g, h, x, quads, scratch, args.weightType);
    for (let i = 0; i < tile.count; i++) {
      const choice = <usize>load<i32>(choices + ((<usize>i) << 2));
      const y = args.y + ((choice * args.outFeatures) << 2);
      storeGroup(args, (g << 2) - row, v128.load(from), y);
      if (h != g) storeGroup(args, (h << 2) - row, v128.load(from, 16), y);
      from += 32;
    }
  }
}

/** Stores y[o] to y[o + 3], those of them that are results of the expert. */
@inline
function storeGroup(args: ExpertLinearQuantizedArgs, o: i32, sums: v128, y: usize): void {
  if (o >= 0 && o + 4 <= args.outFeatures) {
    v128.store(y + ((<usize>o) << 2), sums);
    return;
  }
  storeLane(args, o, f32x4.extract_lane(sums, 0), y);
  storeLane(args, o + 1, f32x4.extract_lane(sums, 1), y);
  storeLane(args, o + 2, f32x4.extract_lane(sums, 2), y);
  storeLane(args, o + 3, f32x4.extract_lane(sums, 3), y);
}

@inline
function storeLane(args: ExpertLinearQuantizedArgs, o: i32, value: f32, y: usize): void {
  if (o >= 0 && o < args.outFeatures) store<f32>(y + ((<usize>o) << 2), value);
}
