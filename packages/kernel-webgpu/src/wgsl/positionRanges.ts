/**
 * WGSL for ops that pool the positions of each sequence; the shader has the buffers `ids` and `ranges` and the parameters `length`
 * and `positions` = B * L.
 * - `rangeOf(s)`: the flattened positions [x, y) that hold sequence s, a row without ids
 * - `counts(at, s)`: true when the position counts for the sequence
 */
export const positionRanges = /* wgsl */ `
fn rangeOf(s: u32) -> vec2<u32> {
  if (p.ranges_stride == 0u) { return vec2<u32>(s, s + 1u) * p.length; }
  let at = p.ranges_at + 2u * s;
  return vec2<u32>(clamp(vec2<i32>(ranges[at], ranges[at + 1u]), vec2<i32>(0), vec2<i32>(i32(p.positions))));
}
fn counts(at: u32, s: u32) -> bool { return p.ids_stride == 0u || ids[p.ids_at + at] == i32(s); }`;
