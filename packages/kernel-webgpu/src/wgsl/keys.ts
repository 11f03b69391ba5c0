// Numbers as bits that sort like them, for what must not depend on how a device treats NaN and subnormals.

/**
 * `keyOf(bits)`: larger for larger numbers. Zeros of both signs are equal, a NaN is the largest of all. Every number has a
 * key above 0.
 */
export const keyOf = /* wgsl */ `
const nanKey = 0xffffffffu;
fn keyOf(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return nanKey; }
  if (magnitude == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, bits != magnitude);
}`;

/** `largestKey(lane, key, index)`: the largest key of a workgroup, with the lowest index that has it, in `best`. */
export const largestKey = /* wgsl */ `
var<workgroup> best: array<vec2<u32>, workgroupSize>;
fn largestKey(lane: u32, key: u32, index: u32) -> vec2<u32> {
  best[lane] = vec2<u32>(key, index);
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      let other = best[lane + half];
      let own = best[lane];
      if (other.x > own.x || (other.x == own.x && other.y < own.y)) { best[lane] = other; }
    }
  }
  workgroupBarrier();
  return best[0];
}`;
