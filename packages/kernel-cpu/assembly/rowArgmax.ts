/** Returns the lowest index of the largest of `count` numbers. A NaN counts as larger than every number. */
export function rowArgmax(row: usize, count: i32): i32 {
  const end = row + (<usize>count << 2);
  const wide = row + ((<usize>count << 2) & ~63);
  let m0 = v128.load32_splat(row);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  // max passes on a NaN in either operand
  for (let at = row; at < wide; at += 64) {
    m0 = f32x4.max(m0, v128.load(at));
    m1 = f32x4.max(m1, v128.load(at, 16));
    m2 = f32x4.max(m2, v128.load(at, 32));
    m3 = f32x4.max(m3, v128.load(at, 48));
  }
  for (let at = wide; at < end; at += 4) m0 = f32x4.max(m0, v128.load32_splat(at));
  let most = f32x4.max(f32x4.max(m0, m1), f32x4.max(m2, m3));
  most = f32x4.max(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  most = f32x4.max(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));

  let at = row;
  const largest = f32x4.extract_lane(most, 0);
  if (largest != largest) {
    while (load<f32>(at) == load<f32>(at)) at += 4;
  } else {
    while (at < wide && !v128.any_true(hits(at, most))) at += 64;
    while (load<f32>(at) != largest) at += 4;
  }
  return <i32>((at - row) >> 2);
}

/** Returns a mask that is not 0 when one of the 16 numbers at `at` equals `wanted`. */
@inline
function hits(at: usize, wanted: v128): v128 {
  const first = v128.or(f32x4.eq(v128.load(at), wanted), f32x4.eq(v128.load(at, 16), wanted));
  const second = v128.or(f32x4.eq(v128.load(at, 32), wanted), f32x4.eq(v128.load(at, 48), wanted));
  return v128.or(first, second);
}
