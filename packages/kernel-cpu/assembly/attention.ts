import {
  AttentionArgs,
  groupHeads,
  keyAt,
  queryTiles,
  startOf,
  TILE,
  TILE_BYTES,
  unitPositions,
  unitRows,
  valueAt,
} from "./attentionArgs.ts";
import {
  addChosen,
  addVisible,
  compactScores,
  copyHeads,
  multiplyRows,
  Visible,
  VISIBLE_BYTES,
  visibleKeys,
} from "./attentionTiles.ts";
import { expLanes } from "./exponentials.ts";
import { logLanes } from "./logarithm.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import { exponentials, largestOf, scaleRow } from "./softmaxRow.ts";

// y[i, h] = sum_j p[j] · v[j, g] with p = softmax_j(scale · q[i, h] · k[j, g]), g = h / (heads / kvHeads), over the keys j <= i of the
// sequence of i.
//
// A unit is a tile of queries of all heads that share a key head, so that they share the loads of keys and values: many rows for a prompt,
// one for each head for a token. It takes the keys in tiles. Each row has the largest score m so far, the sum of exp(score - m) and the
// sum of these times the values; when m grows, both sums are scaled. A tile begins at a multiple of TILE positions and takes part
// with the keys that the row sees, so that the bits of a row depend on its keys alone.

@unmanaged
export class AttentionForwardArgs extends AttentionArgs {
  y!: Pointer; // f32 [batch, length, heads · valueDim]
  logSums!: OptionalPointer; // f32 [batch, length, heads]: log(sum(exp(score))), 0 at padding
}

export function attentionUnits(args: AttentionForwardArgs): i32 {
  return args.batch * args.kvHeads * queryTiles(args);
}

/** Room for scaled queries, scores, sums, the largest scores, the sums of powers, the visible keys, and the keys of one row. */
export function attentionScratch(args: AttentionForwardArgs): i32 {
  const rows = unitRows(args);
  const row = ((args.keyDim + args.valueDim) << 2) + <i32>TILE_BYTES + 16 + <i32>VISIBLE_BYTES;
  return rows * row + <i32>TILE_BYTES + 64;
}

export function attentionRun(args: AttentionForwardArgs, begin: i32, end: i32, scratch: usize): void {
  const tiles = queryTiles(args);
  const pairs = args.batch * args.kvHeads;
  for (let unit = begin; unit < end; unit++) {
    // The last queries have most keys, and come first.
    const tile = tiles - 1 - unit / pairs;
    const pair = unit % pairs;
    attend(args, pair / args.kvHeads, pair % args.kvHeads, tile * unitPositions(args), scratch);
  }
}

function attend(args: AttentionForwardArgs, b: i32, g: i32, i: i32, scratch: usize): void {
  const group = groupHeads(args);
  const positions = min(unitPositions(args), args.length - i);
  const rows = positions * group;
  const depth = args.keyDim;
  const columns = args.valueDim;
  // Sums of powers are f64 and come first.
  const sums = scratch;
  const largest = sums + ((<usize>rows) << 3);
  const visible = largest + ((<usize>rows) << 2);
  const keys = visible + <usize>rows * VISIBLE_BYTES;
  const q = keys + TILE_BYTES;
  const scores = q + ((<usize>(rows * depth)) << 2);
  const values = scores + <usize>rows * TILE_BYTES;
  const row = <usize>b * args.length + i;
  const query = args.q + ((row * args.qStride + <usize>(g * group * depth)) << 2);
  copyHeads(query, args.qStride, depth, group, positions, args.scale, q);
  memory.fill(values, 0, (<usize>(rows * columns)) << 2);
  for (let r: usize = 0; r < <usize>rows; r++) {
    store<f64>(sums + (r << 3), 0);
    store<f32>(largest + (r << 2), -Infinity);
  }
  const position = startOf(args, b) + i;
  const keyStep = (<usize>args.kStride) << 2;
  const valueStep = (<usize>args.vStride) << 2;
  for (let t = 0; t < position + positions; t += TILE) {
    const width = min(position + positions - t, TILE);
    if (visibleKeys(args, b, i, positions, position, t, width, visible) < 0) continue;
    multiplyRows(q, rows, depth, keyAt(args, b, g, t), keyStep, width, scores);
    const value = valueAt(args, b, g, t);
    for (let r = 0; r < rows; r++) {
      const seen = changetype<Visible>(visible + <usize>r * VISIBLE_BYTES);
      const count = seen.count;
      if (count == 0) continue;
      let at = scores + <usize>r * TILE_BYTES;
      if (seen.first < 0) compactScores(args, b, i + r / group, t, count, at, keys);
      else at += (<usize>seen.first) << 2;
      const sum = values + ((<usize>(r * columns)) << 2);
      addPowers(at, count, largest + ((<usize>r) << 2), sums + ((<usize>r) << 3), sum, columns);
      if (seen.first < 0) addChosen(at, keys, value, valueStep, count, sum, columns);
    }
    addVisible(scores, visible, rows, value, valueStep, values, columns);
  }
  for (let r = 0; r < rows; r++) {
    const sum = load<f64>(sums + ((<usize>r) << 3));
    const from = values + ((<usize>(r * columns)) << 2);
    const to = (row + <usize>(r / group)) * args.heads + <usize>(g * group + (r % group));
    const isReal = sum != 0;
    if (isReal) scaleRow(from, columns, <f32>(1 / sum));
    memory.copy(args.y + ((to * columns) << 2), from, (<usize>columns) << 2);
    if (args.logSums) {
      const log = f32x4.extract_lane(logLanes(f32x4.splat(<f32>sum)), 0);
      store<f32>(args.logSums + (to << 2), isReal ? load<f32>(largest + ((<usize>r) << 2)) + log : 0);
    }
  }
}

/** Turns scores into powers, and brings a row's sums to the new largest score. */
@inline
function addPowers(scores: usize, count: i32, largest: usize, sum: usize, values: usize, columns: i32): void {
  const before = load<f32>(largest);
  const most = max(before, largestOf(scores, count));
  let total = load<f64>(sum);
  if (most != before) {
    const factor = f32x4.extract_lane(expLanes(f32x4.splat(before - most)), 0);
    total *= factor;
    scaleRow(values, columns, factor);
    store<f32>(largest, most);
  }
  store<f64>(sum, total + exponentials(scores, count, most, scores));
}
