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

/**
 * `largestKey(lane, key, index)`: the largest key of a workgroup, with the lowest index that has it, for each invocation. Called
 * again only after another barrier.
 */
export function largestKey(subgroups: boolean): string {
  const compared = /* wgsl */ `
var<workgroup> best: array<vec2<u32>, workgroupSize>;
fn isBetter(a: vec2<u32>, b: vec2<u32>) -> bool { return a.x > b.x || (a.x == b.x && a.y < b.y); }`;
  if (!subgroups) {
    return /* wgsl */ `
${compared}
fn largestKey(lane: u32, key: u32, index: u32) -> vec2<u32> {
  best[lane] = vec2<u32>(key, index);
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half && isBetter(best[lane + half], best[lane])) { best[lane] = best[lane + half]; }
  }
  workgroupBarrier();
  return best[0];
}`;
  }
  return /* wgsl */ `
${compared}
const none_ = vec2<u32>(0u, 0xffffffffu);
fn bestOfSubgroup(own: vec2<u32>) -> vec2<u32> {
  let key = subgroupMax(own.x);
  return vec2<u32>(key, subgroupMin(select(none_.y, own.y, own.x == key)));
}
fn largestKey(lane: u32, key: u32, index: u32) -> vec2<u32> {
  let found = bestOfSubgroup(vec2<u32>(key, index));
  // One place for every subgroup, whichever invocations it is made of.
  best[lane] = select(none_, found, subgroupElect());
  workgroupBarrier();
  let count = subgroupAdd(1u);
  var all = none_;
  for (var i = subgroupExclusiveAdd(1u); i < workgroupSize; i += count) {
    if (isBetter(best[i], all)) { all = best[i]; }
  }
  return bestOfSubgroup(all);
}`;
}
