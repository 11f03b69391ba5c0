/** WGSL `rangeOf(b)`: start and end of the range of row b, from the buffer `range`; [0, p.length) when it is absent. */
export const rangeOf = /* wgsl */ `
fn rangeOf(b: u32) -> vec2<u32> {
  if (p.range_stride == 0u) { return vec2<u32>(0u, p.length); }
  let start = u32(clamp(range[2u * b], 0, i32(p.length)));
  return vec2<u32>(start, u32(clamp(range[2u * b + 1u], i32(start), i32(p.length))));
}`;
