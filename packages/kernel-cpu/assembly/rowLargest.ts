/** Returns the largest of `count` numbers, NaN when there is a NaN among them. */
export function rowLargest(row: usize, count: i32): f32 {
  const end = row + (<usize>count << 2);
  const wide = row + ((<usize>count << 2) & ~63);
  let m0 = f32x4.splat(-Infinity);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  let bad = i32x4.splat(0);
  // pmax(a, b) is a unless b is larger: it ignores a NaN in b, which costs less than max.
  for (let at = row; at < wide; at += 64) {
    const x0 = v128.load(at);
    const x1 = v128.load(at, 16);
    const x2 = v128.load(at, 32);
    const x3 = v128.load(at, 48);
    m0 = f32x4.pmax(m0, x0);
    m1 = f32x4.pmax(m1, x1);
    m2 = f32x4.pmax(m2, x2);
    m3 = f32x4.pmax(m3, x3);
    bad = v128.or(bad, v128.or(v128.or(isNaNs(x0), isNaNs(x1)), v128.or(isNaNs(x2), isNaNs(x3))));
  }
  const whole = row + ((<usize>count << 2) & ~15);
  for (let at = wide; at < whole; at += 16) {
    const x = v128.load(at);
    m0 = f32x4.pmax(m0, x);
    bad = v128.or(bad, isNaNs(x));
  }
  for (let at = whole; at < end; at += 4) {
    const x = v128.load32_splat(at);
    m0 = f32x4.pmax(m0, x);
    bad = v128.or(bad, isNaNs(x));
  }
  if (v128.any_true(bad)) return NaN;
  let most = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
  return f32x4.extract_lane(most, 0);
}

/** Returns the lowest index of the largest of `count` numbers; -1 unless the largest is finite and none is NaN. */
export function rowArgmax(row: usize, count: i32): i32 {
  const largest = rowLargest(row, count);
  if (!isFinite<f32>(largest)) return -1;
  const most = f32x4.splat(largest);
  const wide = row + ((<usize>count << 2) & ~63);
  let at = row;
  while (at < wide && !v128.any_true(hits(at, most))) at += 64;
  while (load<f32>(at) != largest) at += 4;
  return <i32>((at - row) >> 2);
}

/** Returns a mask that is not 0 where a number is NaN. */
@inline
export function isNaNs(x: v128): v128 {
  return f32x4.ne(x, x);
}

/** Returns a mask that is not 0 when one of the 16 numbers at `at` equals `wanted`. */
@inline
function hits(at: usize, wanted: v128): v128 {
  const first = v128.or(f32x4.eq(v128.load(at), wanted), f32x4.eq(v128.load(at, 16), wanted));
  const second = v128.or(f32x4.eq(v128.load(at, 32), wanted), f32x4.eq(v128.load(at, 48), wanted));
  return v128.or(first, second);
}
