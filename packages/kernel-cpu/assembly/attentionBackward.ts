import {
  AttentionArgs,
  groupHeads,
  keyAt,
  queryTiles,
  TILE,
  TILE_BYTES,
  unitPositions,
  unitRows,
  valueAt,
} from "./attentionArgs.ts";
import {
  addChosen,
  addFour,
  addRow,
  addVisible,
  compactScores,
  copyHeads,
  multiplyRows,
  Visible,
  VISIBLE_BYTES,
  visibleKeys,
} from "./attentionTiles.ts";
import { dot } from "./dots.ts";
import { expLanes } from "./exponentials.ts";
import { Pointer } from "./records.ts";
import { scaleRow } from "./softmaxRow.ts";

// With p = exp(scale · q · k - logSum) and d = sum(dy ⊙ y) of a row (position, head):
//
//   dv[j] = sum_i p[i, j] · dy[i]
//   ds[i, j] = p[i, j] · (dy[i] · v[j] - d[i])
//   dq[i] = scale · sum_j ds[i, j] · k[j]
//   dk[j] = scale · sum_i ds[i, j] · q[i]
//
// Two jobs compute p and ds again for a tile of rows and a tile of keys: one sums them over the keys, the other over the rows. So every
// gradient is summed by one thread in ascending order. Entries that a row does not see are left out, not multiplied by 0: rows and
// keys of other sequences may hold NaN.

@unmanaged
export class AttentionBackwardArgs extends AttentionArgs {
  dy!: Pointer; // f32 [batch, length, heads · valueDim]
  y!: Pointer; // f32 [batch, length, heads · valueDim]
  logSums!: Pointer; // f32 [batch, length, heads]
  dq!: Pointer; // f32 [batch, length, heads · keyDim]
  dk!: Pointer; // f32 [batch, length, kvHeads · keyDim]
  dv!: Pointer; // f32 [batch, length, kvHeads · valueDim]
  dyStride!: i32;
  yStride!: i32;
}

/** The scratch of a unit, for `rows` rows. */
@unmanaged
class Rows {
  q!: usize; // the queries times scale
  dy!: usize;
  logSums!: usize;
  products!: usize; // dy · y
  visible!: usize;
  keys!: usize; // those of one row
  powers!: usize; // p
  slopes!: usize; // ds
  sums!: usize; // of the gradients
}

const ROWS_BYTES: usize = 64;

/** Bytes of the scratch but for the sums. */
function rowsBytes(args: AttentionBackwardArgs): usize {
  const rows = <usize>unitRows(args);
  const row = (<usize>(args.keyDim + args.valueDim + 2) << 2) + 2 * TILE_BYTES + VISIBLE_BYTES;
  return ROWS_BYTES + rows * row + TILE_BYTES;
}

function prepareRows(args: AttentionBackwardArgs, scratch: usize): Rows {
  const rows = <usize>unitRows(args);
  const parts = changetype<Rows>(scratch);
  parts.q = scratch + ROWS_BYTES;
  parts.dy = parts.q + ((rows * args.keyDim) << 2);
  parts.logSums = parts.dy + ((rows * args.valueDim) << 2);
  parts.products = parts.logSums + (rows << 2);
  parts.visible = parts.products + (rows << 2);
  parts.keys = parts.visible + rows * VISIBLE_BYTES;
  parts.powers = parts.keys + TILE_BYTES;
  parts.slopes = parts.powers + rows * TILE_BYTES;
  parts.sums = parts.slopes + rows * TILE_BYTES;
  return parts;
}

/** Loads rows of `positions` positions from `i` on. */
function loadRows(args: AttentionBackwardArgs, b: i32, g: i32, i: i32, positions: i32, parts: Rows): void {
  const group = groupHeads(args);
  const columns = args.valueDim;
  const row = <usize>b * args.length + i;
  const head = <usize>(g * group);
  const q = args.q + ((row * args.qStride + head * args.keyDim) << 2);
  copyHeads(q, args.qStride, args.keyDim, group, positions, args.scale, parts.q);
  copyHeads(args.dy + ((row * args.dyStride + head * columns) << 2), args.dyStride, columns, group, positions, 1, parts.dy);
  let dy = parts.dy;
  for (let n: usize = 0; n < <usize>positions; n++) {
    const y = args.y + (((row + n) * args.yStride + head * columns) << 2);
    const sums = args.logSums + (((row + n) * args.heads + head) << 2);
    for (let h: usize = 0; h < <usize>group; h++) {
      const at = (n * group + h) << 2;
      store<f32>(parts.products + at, dot(dy, y + ((h * columns) << 2), columns));
      store<f32>(parts.logSums + at, load<f32>(sums + (h << 2)));
      dy += (<usize>columns) << 2;
    }
  }
}

/** Computes p and ds for the keys [t, t + width) of the rows. Rows that see keys in any places have theirs in front. */
function computeSlopes(
  args: AttentionBackwardArgs,
  b: i32,
  g: i32,
  i: i32,
  rows: i32,
  t: i32,
  width: i32,
  parts: Rows,
): void {
  const group = groupHeads(args);
  multiplyRows(parts.q, rows, args.keyDim, keyAt(args, b, g, t), (<usize>args.kStride) << 2, width, parts.powers);
  multiplyRows(parts.dy, rows, args.valueDim, valueAt(args, b, g, t), (<usize>args.vStride) << 2, width, parts.slopes);
  for (let r: usize = 0; r < <usize>rows; r++) {
    const seen = changetype<Visible>(parts.visible + r * VISIBLE_BYTES);
    const count = seen.count;
    if (count == 0) continue;
    const powers = parts.powers + r * TILE_BYTES;
    const slopes = parts.slopes + r * TILE_BYTES;
    if (seen.first < 0) {
      compactScores(args, b, i + <i32>r / group, t, count, powers, parts.keys);
      compactScores(args, b, i + <i32>r / group, t, count, slopes, parts.keys);
    }
    const logSum = f32x4.splat(load<f32>(parts.logSums + (r << 2)));
    const product = f32x4.splat(load<f32>(parts.products + (r << 2)));
    // Whole registers: what lies beside the visible keys is not used.
    const first = (<usize>max(seen.first, 0) & ~3) << 2;
    const last = (<usize>(max(seen.first, 0) + count)) << 2;
    for (let at = first; at < last; at += 16) {
      const p = expLanes(f32x4.sub(v128.load(powers + at), logSum));
      v128.store(powers + at, p);
      v128.store(slopes + at, f32x4.mul(p, f32x4.sub(v128.load(slopes + at), product)));
    }
  }
}

export function attentionQueryGradientsUnits(args: AttentionBackwardArgs): i32 {
  return args.batch * args.kvHeads * queryTiles(args);
}

export function attentionQueryGradientsScratch(args: AttentionBackwardArgs): i32 {
  return <i32>rowsBytes(args) + ((unitRows(args) * args.keyDim) << 2);
}

export function attentionQueryGradientsRun(args: AttentionBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const tiles = queryTiles(args);
  const pairs = args.batch * args.kvHeads;
  const parts = prepareRows(args, scratch);
  for (let unit = begin; unit < end; unit++) {
    const pair = unit % pairs;
    const i = (tiles - 1 - unit / pairs) * unitPositions(args);
    queryGradients(args, pair / args.kvHeads, pair % args.kvHeads, i, parts);
  }
}

function queryGradients(args: AttentionBackwardArgs, b: i32, g: i32, i: i32, parts: Rows): void {
  const group = groupHeads(args);
  const positions = min(unitPositions(args), args.length - i);
  const rows = positions * group;
  const depth = args.keyDim;
  const step = (<usize>args.kStride) << 2;
  loadRows(args, b, g, i, positions, parts);
  memory.fill(parts.sums, 0, (<usize>(rows * depth)) << 2);
  for (let t = 0; t < i + positions; t += TILE) {
    const width = min(i + positions - t, TILE);
    if (visibleKeys(args, b, i, positions, i, t, width, parts.visible) < 0) continue;
    computeSlopes(args, b, g, i, rows, t, width, parts);
    const k = keyAt(args, b, g, t);
    for (let r: usize = 0; args.ids && r < <usize>rows; r++) {
      const seen = changetype<Visible>(parts.visible + r * VISIBLE_BYTES);
      if (seen.first >= 0) continue;
      writeKeys(args, b, i + <i32>r / group, t, seen.count, parts.keys);
      addChosen(parts.slopes + r * TILE_BYTES, parts.keys, k, step, seen.count, parts.sums + ((r * depth) << 2), depth);
    }
    addVisible(parts.slopes, parts.visible, rows, k, step, parts.sums, depth);
  }
  scaleRow(parts.sums, rows * depth, args.scale);
  const bytes = (<usize>(group * depth)) << 2;
  for (let n: usize = 0; n < <usize>positions; n++) {
    const row = <usize>b * args.length + i + n;
    memory.copy(args.dq + ((row * args.heads * depth) << 2) + <usize>g * bytes, parts.sums + n * bytes, bytes);
  }
}

/** Writes the keys from `t` on that position `i` sees. */
function writeKeys(args: AttentionBackwardArgs, b: i32, i: i32, t: i32, count: i32, keys: usize): void {
  const ids = args.ids + ((<usize>b * args.length) << 2);
  const own = load<i32>(ids + ((<usize>i) << 2));
  let seen = 0;
  for (let j = 0; seen < count; j++) {
    if (load<i32>(ids + ((<usize>(t + j)) << 2)) != own) continue;
    store<i32>(keys + ((<usize>seen) << 2), j);
    seen++;
  }
}

export function attentionKeyGradientsUnits(args: AttentionBackwardArgs): i32 {
  return args.batch * args.kvHeads * ((args.length + TILE - 1) / TILE);
}

export function attentionKeyGradientsScratch(args: AttentionBackwardArgs): i32 {
  return <i32>rowsBytes(args) + ((TILE * (args.keyDim + args.valueDim)) << 2);
}

export function attentionKeyGradientsRun(args: AttentionBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const pairs = args.batch * args.kvHeads;
  const parts = prepareRows(args, scratch);
  for (let unit = begin; unit < end; unit++) {
    const pair = unit % pairs;
    keyGradients(args, pair / args.kvHeads, pair % args.kvHeads, (unit / pairs) * TILE, parts);
  }
}

function keyGradients(args: AttentionBackwardArgs, b: i32, g: i32, t: i32, parts: Rows): void {
  const group = groupHeads(args);
  const depth = args.keyDim;
  const columns = args.valueDim;
  const most = min(args.length - t, TILE);
  const size = unitPositions(args);
  const dk = parts.sums;
  const dv = dk + ((<usize>(most * depth)) << 2);
  memory.fill(dk, 0, (<usize>(most * (depth + columns))) << 2);
  for (let i = (t / size) * size; i < args.length; i += size) {
    const positions = min(size, args.length - i);
    const rows = positions * group;
    const width = min(i + positions - t, most);
    if (width <= 0) continue;
    const whole = visibleKeys(args, b, i, positions, i, t, width, parts.visible);
    if (whole < 0) continue;
    loadRows(args, b, g, i, positions, parts);
    computeSlopes(args, b, g, i, rows, t, width, parts);
    if (whole == rows) {
      addColumns(parts.powers, width, parts.dy, rows, dv, columns);
      addColumns(parts.slopes, width, parts.q, rows, dk, depth);
    } else {
      for (let r = 0; r < rows; r++) addPairs(args, b, i + r / group, t, <usize>r, parts, dk, dv);
    }
  }
  // The queries have the scale already.
  for (let n: usize = 0; n < <usize>most; n++) {
    const row = (<usize>b * args.length + t + n) * args.kvHeads + g;
    memory.copy(args.dk + ((row * depth) << 2), dk + ((n * depth) << 2), (<usize>depth) << 2);
    memory.copy(args.dv + ((row * columns) << 2), dv + ((n * columns) << 2), (<usize>columns) << 2);
  }
}

/** to[j] += sum over all rows r of a[r, j] · b[r], for `width` columns j of a. */
function addColumns(a: usize, width: i32, b: usize, rows: i32, to: usize, columns: i32): void {
  const step = (<usize>columns) << 2;
  let j = 0;
  for (; j + 4 <= width; j += 4) {
    addFour(a + ((<usize>j) << 2), 4, TILE_BYTES, b, step, rows, to, step, columns);
    to += step << 2;
  }
  for (; j < width; j++) {
    addRow(a + ((<usize>j) << 2), TILE_BYTES, b, step, rows, to, columns);
    to += step;
  }
}

/** Adds the products of one row to the gradients of the keys that it sees. */
function addPairs(
  args: AttentionBackwardArgs,
  b: i32,
  i: i32,
  t: i32,
  r: usize,
  parts: Rows,
  dk: usize,
  dv: usize,
): void {
  const depth = args.keyDim;
  const columns = args.valueDim;
  const seen = changetype<Visible>(parts.visible + r * VISIBLE_BYTES);
  if (seen.first < 0) writeKeys(args, b, i, t, seen.count, parts.keys);
  const q = parts.q + ((r * depth) << 2);
  const dy = parts.dy + ((r * columns) << 2);
  for (let n = 0; n < seen.count; n++) {
    const at = r * TILE_BYTES + ((<usize>(max(seen.first, 0) + n)) << 2);
    const j = <usize>(seen.first < 0 ? load<i32>(parts.keys + ((<usize>n) << 2)) : seen.first + n);
    addRow(parts.slopes + at, 4, q, 0, 1, dk + ((j * depth) << 2), depth);
    addRow(parts.powers + at, 4, dy, 0, 1, dv + ((j * columns) << 2), columns);
  }
}
