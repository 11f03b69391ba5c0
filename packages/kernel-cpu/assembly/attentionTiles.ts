import { AttentionArgs, groupHeads, TILE, TILE_BYTES } from "./attentionArgs.ts";
import { dot, dotsFour, dotsTwoByFour } from "./dots.ts";
import { loadPartial, madd, storePartial } from "./lanes.ts";

// The parts of attention on a tile of keys. A result is computed by the same operations in the same order whatever the rows and keys
// that are computed with it.

/** Keys that a row of a tile sees: `count` neighbours from `first` on, or `count` keys in any places when `first` is -1. */
@unmanaged
export class Visible {
  first!: i32;
  count!: i32;
}

/** Bytes of a `Visible`. */
export const VISIBLE_BYTES: usize = 8;

/**
 * Writes the keys [t, t + width) that each row sees, for rows (position, head) of `positions` positions from `i` on, of which the first
 * is at `position` of the keys. Returns the number of rows that see all of them, or -1 when none sees any.
 */
export function visibleKeys(
  args: AttentionArgs,
  b: i32,
  i: i32,
  positions: i32,
  position: i32,
  t: i32,
  width: i32,
  to: usize,
): i32 {
  const group = groupHeads(args);
  let whole = 0;
  let some = false;
  const ids = args.ids ? args.ids + ((<usize>b * args.length) << 2) : 0;
  for (let n = 0; n < positions; n++) {
    let first = 0;
    let count = max(min(position + n + 1 - t, width), 0);
    if (ids && count > 0) {
      const own = load<i32>(ids + ((<usize>(i + n)) << 2));
      let seen = 0;
      let last = -1;
      for (let j = 0; j < count && own >= 0; j++) {
        if (load<i32>(ids + ((<usize>(t + j)) << 2)) != own) continue;
        if (seen++ == 0) first = j;
        last = j;
      }
      if (seen > 0 && last - first + 1 != seen) first = -1;
      count = seen;
    }
    if (count > 0) some = true;
    if (count == width && first == 0) whole += group;
    for (let h = 0; h < group; h++) {
      const visible = changetype<Visible>(to);
      visible.first = first;
      visible.count = count;
      to += VISIBLE_BYTES;
    }
  }
  return some ? whole : -1;
}

/** Moves the scores of the keys that position `i` sees to the front of a row, and writes the keys to `keys`. Returns their number. */
export function compactScores(args: AttentionArgs, b: i32, i: i32, t: i32, count: i32, row: usize, keys: usize): i32 {
  const ids = args.ids + ((<usize>b * args.length) << 2);
  const own = load<i32>(ids + ((<usize>i) << 2));
  let seen = 0;
  for (let j = 0; seen < count; j++) {
    if (load<i32>(ids + ((<usize>(t + j)) << 2)) != own) continue;
    store<f32>(row + ((<usize>seen) << 2), load<f32>(row + ((<usize>j) << 2)));
    store<i32>(keys + ((<usize>seen) << 2), j);
    seen++;
  }
  return seen;
}

/** to[r, j] = x[r] · w[j] over `depth` numbers, for `rows` dense rows and `width` rows of w, `step` bytes apart. */
export function multiplyRows(x: usize, rows: i32, depth: i32, w: usize, step: usize, width: i32, to: usize): void {
  const xStep = (<usize>depth) << 2;
  let j = 0;
  for (; j + 4 <= width; j += 4) {
    let from = x;
    let at = to + ((<usize>j) << 2);
    let left = rows;
    for (; left > 1; left -= 2) {
      dotsTwoByFour(from, xStep, w, step, depth, 0, 0, at, TILE_BYTES, 4);
      from += 2 * xStep;
      at += 2 * TILE_BYTES;
    }
    if (left) dotsFour(from, w, step, depth, 0, at, 4);
    w += step << 2;
  }
  for (; j < width; j++) {
    let at = to + ((<usize>j) << 2);
    for (let r: usize = 0; r < <usize>rows; r++) {
      store<f32>(at, dot(x + r * xStep, w, depth));
      at += TILE_BYTES;
    }
    w += step;
  }
}

/**
 * c[r] += sum_n a[r, n] · b[n] for four rows r of `columns` numbers, over `count` rows of b. Neighbouring a[r, n] lie `rowStep` and `step`
 * bytes apart, rows of b and c bStep and cStep.
 */
export function addFour(
  a: usize,
  rowStep: usize,
  step: usize,
  b: usize,
  bStep: usize,
  count: i32,
  c: usize,
  cStep: usize,
  columns: i32,
): void {
  const c1 = c + cStep;
  const c2 = c1 + cStep;
  const c3 = c2 + cStep;
  const a1 = a + rowStep;
  const a2 = a1 + rowStep;
  const a3 = a2 + rowStep;
  const end = <usize>count * step;
  const whole = (<usize>columns & ~7) << 2;
  let d: usize = 0;
  for (; d < whole; d += 32) {
    let p0 = v128.load(c + d);
    let q0 = v128.load(c + d, 16);
    let p1 = v128.load(c1 + d);
    let q1 = v128.load(c1 + d, 16);
    let p2 = v128.load(c2 + d);
    let q2 = v128.load(c2 + d, 16);
    let p3 = v128.load(c3 + d);
    let q3 = v128.load(c3 + d, 16);
    let at = b + d;
    for (let n: usize = 0; n < end; n += step) {
      const u = v128.load(at);
      const v = v128.load(at, 16);
      let x = v128.load32_splat(a + n);
      p0 = madd(x, u, p0);
      q0 = madd(x, v, q0);
      x = v128.load32_splat(a1 + n);
      p1 = madd(x, u, p1);
      q1 = madd(x, v, q1);
      x = v128.load32_splat(a2 + n);
      p2 = madd(x, u, p2);
      q2 = madd(x, v, q2);
      x = v128.load32_splat(a3 + n);
      p3 = madd(x, u, p3);
      q3 = madd(x, v, q3);
      at += bStep;
    }
    v128.store(c + d, p0);
    v128.store(c + d, q0, 16);
    v128.store(c1 + d, p1);
    v128.store(c1 + d, q1, 16);
    v128.store(c2 + d, p2);
    v128.store(c2 + d, q2, 16);
    v128.store(c3 + d, p3);
    v128.store(c3 + d, q3, 16);
  }
  const rest = columns - <i32>(d >> 2);
  if (rest == 0) return;
  addRow(a, step, b + d, bStep, count, c + d, rest);
  addRow(a1, step, b + d, bStep, count, c1 + d, rest);
  addRow(a2, step, b + d, bStep, count, c2 + d, rest);
  addRow(a3, step, b + d, bStep, count, c3 + d, rest);
}

/** c += sum_n a[n] · b[n] for one row, with the bits of addFour. */
export function addRow(a: usize, step: usize, b: usize, bStep: usize, count: i32, c: usize, columns: i32): void {
  const end = <usize>count * step;
  for (; columns >= 32; columns -= 32) {
    let s0 = v128.load(c);
    let s1 = v128.load(c, 16);
    let s2 = v128.load(c, 32);
    let s3 = v128.load(c, 48);
    let s4 = v128.load(c, 64);
    let s5 = v128.load(c, 80);
    let s6 = v128.load(c, 96);
    let s7 = v128.load(c, 112);
    let at = b;
    for (let n: usize = 0; n < end; n += step) {
      const x = v128.load32_splat(a + n);
      s0 = madd(x, v128.load(at), s0);
      s1 = madd(x, v128.load(at, 16), s1);
      s2 = madd(x, v128.load(at, 32), s2);
      s3 = madd(x, v128.load(at, 48), s3);
      s4 = madd(x, v128.load(at, 64), s4);
      s5 = madd(x, v128.load(at, 80), s5);
      s6 = madd(x, v128.load(at, 96), s6);
      s7 = madd(x, v128.load(at, 112), s7);
      at += bStep;
    }
    v128.store(c, s0);
    v128.store(c, s1, 16);
    v128.store(c, s2, 32);
    v128.store(c, s3, 48);
    v128.store(c, s4, 64);
    v128.store(c, s5, 80);
    v128.store(c, s6, 96);
    v128.store(c, s7, 112);
    b += 128;
    c += 128;
  }
  for (; columns >= 4; columns -= 4) {
    let sum = v128.load(c);
    let at = b;
    for (let n: usize = 0; n < end; n += step) {
      sum = madd(v128.load32_splat(a + n), v128.load(at), sum);
      at += bStep;
    }
    v128.store(c, sum);
    b += 16;
    c += 16;
  }
  if (columns == 0) return;
  let sum = loadPartial(c, columns);
  for (let n: usize = 0; n < end; n += step) {
    sum = madd(v128.load32_splat(a + n), loadPartial(b, columns), sum);
    b += bStep;
  }
  storePartial(c, sum, columns);
}

/** c += sum_n a[n] · b[keys[n]] for one row, with the bits of addRow on these rows of b. */
export function addChosen(a: usize, keys: usize, b: usize, bStep: usize, count: i32, c: usize, columns: i32): void {
  for (let n = 0; n < count; n++) {
    const at = (<usize>n) << 2;
    addRow(a + at, 4, b + <usize>load<i32>(keys + at) * bStep, bStep, 1, c, columns);
  }
}

/** c[r] += sum over the keys that row r sees of a[r, j] · b[j]. Rows that see keys in any places are left out. */
export function addVisible(
  a: usize,
  visible: usize,
  rows: i32,
  b: usize,
  bStep: usize,
  c: usize,
  columns: i32,
): void {
  const cStep = (<usize>columns) << 2;
  let r = 0;
  while (r < rows) {
    const own = changetype<Visible>(visible);
    const first = own.first;
    let common = own.count;
    let alike = r + 4 <= rows && first >= 0;
    for (let n: usize = 1; n < 4 && alike; n++) {
      const other = changetype<Visible>(visible + n * VISIBLE_BYTES);
      alike = other.first == first;
      common = min(common, other.count);
    }
    const taken = alike ? 4 : 1;
    if (!alike) common = 0;
    const from = b + <usize>max(first, 0) * bStep;
    const at = a + ((<usize>max(first, 0)) << 2);
    if (alike && common > 0) addFour(at, TILE_BYTES, 4, from, bStep, common, c, cStep, columns);
    for (let n: usize = 0; n < <usize>taken; n++) {
      const each = changetype<Visible>(visible + n * VISIBLE_BYTES);
      const left = each.count - common;
      if (left > 0 && first >= 0) {
        const skipped = <usize>common;
        addRow(at + n * TILE_BYTES + (skipped << 2), 4, from + skipped * bStep, bStep, left, c + n * cStep, columns);
      }
    }
    r += taken;
    a += <usize>taken * TILE_BYTES;
    c += <usize>taken * cStep;
    visible += <usize>taken * VISIBLE_BYTES;
  }
}

/** Copies rows (position, head) of one key head, times `factor`, to dense rows. */
export function copyHeads(
  x: usize,
  stride: i32,
  width: i32,
  group: i32,
  positions: i32,
  factor: f32,
  to: usize,
): void {
  const count = (<usize>(group * width)) << 2;
  const lanes = f32x4.splat(factor);
  for (let n = 0; n < positions; n++) {
    let i: usize = 0;
    for (; i + 16 <= count; i += 16) v128.store(to + i, f32x4.mul(v128.load(x + i), lanes));
    for (; i < count; i += 4) store<f32>(to + i, load<f32>(x + i) * factor);
    to += count;
    x += (<usize>stride) << 2;
  }
}
