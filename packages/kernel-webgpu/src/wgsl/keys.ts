// Integer keys that sort like the numbers: comparisons then do not depend on how a device treats NaN and subnormals.

/**
 * WGSL `keyOf(bits)`: a larger key for a larger number. Both zeros have the same key, NaN has the largest. All keys are > 0.
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
 * WGSL `isFiniteKey(key)`, and `numberOf(key)`: the number of a key that is not `nanKey`. As the largest key of a row, a finite
 * one says that the row has no NaN and no +infinity, and that not all of it is -infinity. Needs `keyOf`.
 */
export const finiteKeys = /* wgsl */ `
const noneKey = 0x007fffffu; // -infinity
fn isFiniteKey(key: u32) -> bool { return key > noneKey && key < 0xff800000u; }
fn numberOf(key: u32) -> f32 { return bitcast<f32>(select(~key, key ^ 0x80000000u, key >= 0x80000000u)); }`;

/** WGSL `isBetter(a, b)` and `better(a, b)`, for pairs of a key and an index: the larger key wins, and of equal ones the lower index. */
export const betterKey = /* wgsl */ `
fn isBetter(a: vec2<u32>, b: vec2<u32>) -> bool { return a.x > b.x || (a.x == b.x && a.y < b.y); }
fn better(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> { return select(a, b, isBetter(b, a)); }`;

/**
 * WGSL `largestKey(lane, key, index)`: returns to every invocation the largest key of the workgroup and the lowest index with
 * that key. A second call needs a barrier before it.
 */
export function largestKey(subgroups: boolean): string {
  const compared = /* wgsl */ `
var<workgroup> best: array<vec2<u32>, workgroupSize>;
${betterKey}`;
  if (!subgroups) {
    return /* wgsl */ `
${compared}
fn largestKey(lane: u32, key: u32, index: u32) -> vec2<u32> {
  best[lane] = vec2<u32>(key, index);
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { best[lane] = better(best[lane], best[lane + half]); }
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
  // One element per subgroup holds its result, whichever invocations form the subgroup.
  best[lane] = select(none_, found, subgroupElect());
  workgroupBarrier();
  let count = subgroupAdd(1u);
  var all = none_;
  for (var i = subgroupExclusiveAdd(1u); i < workgroupSize; i += count) {
    all = better(all, best[i]);
  }
  return bestOfSubgroup(all);
}`;
}
