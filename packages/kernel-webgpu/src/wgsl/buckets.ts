/**
 * WGSL that selects among `p.vocabSize` items by their keys (see `keyOf`), four bits of the key at a time. It needs neither a sort
 * nor atomics, whose order of additions is undefined. The shader declares `keyAt(i)`, `hasMass(key)` and `massOf(i)`; items without
 * mass are ignored.
 */
export const bucketCut = /* wgsl */ `
var<workgroup> sums: array<f32, 16u * workgroupSize>;
var<workgroup> buckets: array<f32, 16>;
// Fills 16 buckets of keys >= found with their mass, or with their count; the last bucket has no upper bound.
fn fill(lane: u32, found: u32, shift: u32, least: u32, byMass: bool) {
  for (var k = 0u; k < 16u; k++) { sums[k * workgroupSize + lane] = 0.0; }
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    let key = keyAt(i);
    if (key < max(found, least) || !hasMass(key)) { continue; }
    var mass = 1.0;
    if (byMass) { mass = massOf(i); }
    sums[min((key - found) >> shift, 15u) * workgroupSize + lane] += mass;
  }
  workgroupBarrier();
  if (lane < 16u) {
    var sum = 0.0;
    for (var k = 0u; k < workgroupSize; k++) { sum += sums[lane * workgroupSize + k]; }
    buckets[lane] = sum;
  }
  workgroupBarrier();
}
// The largest threshold >= least whose keys have at least the mass wanted, or least if there is none.
fn cut(lane: u32, wanted: f32, least: u32, byMass: bool) -> u32 {
  var found = 0u;
  for (var digit = 0u; digit < 8u; digit++) {
    let shift = 28u - 4u * digit;
    fill(lane, found, shift, least, byMass);
    var above = 0.0;
    var k = 16u;
    while (k > 1u && above < wanted) { k--; above += buckets[k]; }
    if (above < wanted) { k = 0u; }
    found += k << shift;
  }
  return max(found, least);
}
// The mass of all keys >= least.
fn massFrom(lane: u32, least: u32) -> f32 {
  fill(lane, 0u, 28u, least, true);
  var sum = 0.0;
  for (var k = 0u; k < 16u; k++) { sum += buckets[k]; }
  return sum;
}`;
