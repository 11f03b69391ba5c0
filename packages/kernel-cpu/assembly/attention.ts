import {
  AttentionArgs,
  CHUNK,
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
  addRow,
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
//
// The sums of a chunk of CHUNK keys begin from nothing and are added to those of the chunks before it, also when one thread takes all
// chunks. So a token after many positions can be shared by threads, by chunks of keys, without a change of bits.

@unmanaged
export class AttentionForwardArgs extends AttentionArgs {
  y!: Pointer; // f32 [batch, length, heads · valueDim]
  logSums!: OptionalPointer; // f32 [batch, length, heads]: log(sum(exp(score))), 0 at padding
  sums!: OptionalPointer; // attentionSumsBytes for each unit of attentionMerge and each chunk: with these, one job computes the sums of
  chunks!: i32; // each chunk of keys, and attentionMerge y; 0 without them
}

/** Queries of one unit. */
@unmanaged
class Queries {
  b!: i32;
  g!: i32;
  i!: i32; // the first position
  positions!: i32;
  rows!: i32;
}

const QUERIES_BYTES: usize = 32;

@inline
function queryUnits(args: AttentionForwardArgs): i32 {
  return args.batch * args.kvHeads * queryTiles(args);
}

/** The queries of unit `unit`. The last ones have most keys, and come first. */
function queriesAt(args: AttentionForwardArgs, unit: i32, at: usize): Queries {
  const pairs = args.batch * args.kvHeads;
  const pair = unit % pairs;
  const queries = changetype<Queries>(at);
  queries.b = pair / args.kvHeads;
  queries.g = pair % args.kvHeads;
  queries.i = (queryTiles(args) - 1 - unit / pairs) * unitPositions(args);
  queries.positions = min(unitPositions(args), args.length - queries.i);
  queries.rows = queries.positions * groupHeads(args);
  return queries;
}

// The sums of a unit's rows: f64 sums of powers, 0 for a row without keys; the largest scores; and the sums of powers times values.

/** Bytes of the sums of a unit, in whole registers. */
@inline
function sumsBytes(args: AttentionForwardArgs): usize {
  const rows = <usize>unitRows(args);
  return (rows * (12 + ((<usize>args.valueDim) << 2)) + 15) & ~15;
}

@inline
function largestAt(args: AttentionForwardArgs, sums: usize): usize {
  return sums + ((<usize>unitRows(args)) << 3);
}

@inline
function valuesAt(args: AttentionForwardArgs, sums: usize): usize {
  return sums + (<usize>unitRows(args)) * 12;
}

export function attentionUnits(args: AttentionForwardArgs): i32 {
  return queryUnits(args) * max(args.chunks, 1);
}

/** Room for the sums over all keys and over a chunk, the scaled queries, the scores, the visible keys, and the keys of one row. */
export function attentionScratch(args: AttentionForwardArgs): i32 {
  const rows = <usize>unitRows(args);
  const row = ((<usize>args.keyDim) << 2) + TILE_BYTES + VISIBLE_BYTES;
  return <i32>(QUERIES_BYTES + 2 * sumsBytes(args) + rows * row + TILE_BYTES);
}

export function attentionRun(args: AttentionForwardArgs, begin: i32, end: i32, scratch: usize): void {
  const chunks = max(args.chunks, 1);
  const total = scratch + QUERIES_BYTES;
  const sums = total + sumsBytes(args);
  const q = sums + sumsBytes(args);
  for (let unit = begin; unit < end; unit++) {
    const queries = queriesAt(args, unit / chunks, scratch);
    loadQueries(args, queries, q);
    if (args.chunks) {
      sumChunk(args, queries, q, (unit % chunks) * CHUNK, args.sums + <usize>unit * sumsBytes(args));
      continue;
    }
    const last = startOf(args, queries.b) + queries.i + queries.positions;
    sumChunk(args, queries, q, 0, total);
    for (let t = CHUNK; t < last; t += CHUNK) {
      sumChunk(args, queries, q, t, sums);
      mergeSums(args, queries.rows, total, sums);
    }
    finish(args, queries, total);
  }
}

export function attentionMergeUnits(args: AttentionForwardArgs): i32 {
  return queryUnits(args);
}

export function attentionMergeScratch(args: AttentionForwardArgs): i32 {
  return <i32>QUERIES_BYTES;
}

export function attentionMergeRun(args: AttentionForwardArgs, begin: i32, end: i32, scratch: usize): void {
  const size = sumsBytes(args);
  for (let unit = begin; unit < end; unit++) {
    const queries = queriesAt(args, unit, scratch);
    const total = args.sums + <usize>(unit * args.chunks) * size;
    for (let chunk = 1; chunk < args.chunks; chunk++) {
      mergeSums(args, queries.rows, total, total + <usize>chunk * size);
    }
    finish(args, queries, total);
  }
}

function loadQueries(args: AttentionForwardArgs, queries: Queries, to: usize): void {
  const group = groupHeads(args);
  const row = <usize>queries.b * args.length + queries.i;
  const from = args.q + ((row * args.qStride + <usize>(queries.g * group * args.keyDim)) << 2);
  copyHeads(from, args.qStride, args.keyDim, group, queries.positions, args.scale, to);
}

/** Computes the sums over the keys of the chunk that begins at position `begin`. */
function sumChunk(args: AttentionForwardArgs, queries: Queries, q: usize, begin: i32, sums: usize): void {
  const group = groupHeads(args);
  const b = queries.b;
  const g = queries.g;
  const positions = queries.positions;
  const rows = queries.rows;
  const columns = args.valueDim;
  const largest = largestAt(args, sums);
  const values = valuesAt(args, sums);
  const scores = q + ((<usize>(unitRows(args) * args.keyDim)) << 2);
  const visible = scores + <usize>unitRows(args) * TILE_BYTES;
  const keys = visible + <usize>unitRows(args) * VISIBLE_BYTES;
  memory.fill(values, 0, (<usize>(rows * columns)) << 2);
  for (let r: usize = 0; r < <usize>rows; r++) {
    store<f64>(sums + (r << 3), 0);
    store<f32>(largest + (r << 2), -Infinity);
  }
  const position = startOf(args, b) + queries.i;
  const end = min(position + positions, begin + CHUNK);
  const keyStep = (<usize>args.kStride) << 2;
  const valueStep = (<usize>args.vStride) << 2;
  for (let t = begin; t < end; t += TILE) {
    const width = min(end - t, TILE);
    if (visibleKeys(args, b, queries.i, positions, position, t, width, visible) < 0) continue;
    multiplyRows(q, rows, args.keyDim, keyAt(args, b, g, t), keyStep, width, scores);
    const value = valueAt(args, b, g, t);
    for (let r = 0; r < rows; r++) {
      const seen = changetype<Visible>(visible + <usize>r * VISIBLE_BYTES);
      const count = seen.count;
      if (count == 0) continue;
      let at = scores + <usize>r * TILE_BYTES;
      if (seen.first < 0) compactScores(args, b, queries.i + r / group, t, count, at, keys);
      else at += (<usize>seen.first) << 2;
      const sum = values + ((<usize>(r * columns)) << 2);
      addPowers(at, count, largest + ((<usize>r) << 2), sums + ((<usize>r) << 3), sum, columns);
      if (seen.first < 0) addChosen(at, keys, value, valueStep, count, sum, columns);
    }
    addVisible(scores, visible, rows, value, valueStep, values, columns);
  }
}

/** Adds the sums of a later chunk to those of the keys before it. */
function mergeSums(args: AttentionForwardArgs, rows: i32, total: usize, sums: usize): void {
  const columns = args.valueDim;
  const bytes = (<usize>columns) << 2;
  for (let r: usize = 0; r < <usize>rows; r++) {
    const added = load<f64>(sums + (r << 3));
    if (added == 0) continue;
    const before = load<f64>(total + (r << 3));
    const largest = largestAt(args, total) + (r << 2);
    const own = load<f32>(largest);
    const other = load<f32>(largestAt(args, sums) + (r << 2));
    const values = valuesAt(args, total) + r * bytes;
    const from = valuesAt(args, sums) + r * bytes;
    if (before == 0) {
      store<f64>(total + (r << 3), added);
      store<f32>(largest, other);
      memory.copy(values, from, bytes);
      continue;
    }
    const most = max(own, other);
    const factors = expLanes(f32x4(own - most, other - most, 0, 0));
    const factor = f32x4.extract_lane(factors, 0);
    store<f64>(total + (r << 3), before * factor + added * f32x4.extract_lane(factors, 1));
    store<f32>(largest, most);
    scaleRow(values, columns, factor);
    // The second factor lies in memory: the score is no longer needed.
    const weight = largestAt(args, sums) + (r << 2);
    store<f32>(weight, f32x4.extract_lane(factors, 1));
    addRow(weight, 4, from, bytes, 1, values, columns);
  }
}

/** Writes y, and the logarithms of the sums, of a unit. */
function finish(args: AttentionForwardArgs, queries: Queries, sums: usize): void {
  const group = groupHeads(args);
  const columns = args.valueDim;
  const row = <usize>queries.b * args.length + queries.i;
  for (let r = 0; r < queries.rows; r++) {
    const sum = load<f64>(sums + ((<usize>r) << 3));
    const from = valuesAt(args, sums) + ((<usize>(r * columns)) << 2);
    const to = (row + <usize>(r / group)) * args.heads + <usize>(queries.g * group + (r % group));
    const isReal = sum != 0;
    if (isReal) scaleRow(from, columns, <f32>(1 / sum));
    memory.copy(args.y + ((to * columns) << 2), from, (<usize>columns) << 2);
    if (args.logSums) {
      const largest = load<f32>(largestAt(args, sums) + ((<usize>r) << 2));
      const log = f32x4.extract_lane(logLanes(f32x4.splat(<f32>sum)), 0);
      store<f32>(args.logSums + (to << 2), isReal ? largest + log : 0);
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
