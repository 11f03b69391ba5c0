import { memoize } from "../memoize.ts";
import { uploadArray } from "../memory/hostArrays.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { keyOf, largestKey } from "../wgsl/keys.ts";

// One workgroup per row. topK and topP each give a threshold on the keys of the logits (see `keyOf`), which is found four bits
// at a time from the probability mass in each of sixteen buckets. That takes eight passes over the row and needs neither a
// sort nor atomics, whose order of additions is undefined.
export const sampleShader = memoize((subgroups: boolean) =>
  defineShader({
    name: "sample",
    enable: subgroups ? ["subgroups"] : [],
    read: { logits: "u32", uniforms: "f32" },
    write: { ids: "i32" },
    params: { vocabSize: "u32", topK: "u32", temperature: "f32", topP: "f32", minP: "f32" },
    workgroup: 128,
    code: /* wgsl */ `
${keyOf}
${largestKey(subgroups)}
const noneKey = 0x007fffffu; // -infinity
const infinityKey = 0xff800000u;
var<workgroup> sums: array<f32, 16u * workgroupSize>;
var<workgroup> buckets: array<f32, 16>;
var<workgroup> finites: array<u32, workgroupSize>;
var<private> start: u32;
var<private> largest: f32;

fn keyAt(i: u32) -> u32 { return keyOf(logits[start + i]); }
fn hasMass(key: u32) -> bool { return key != nanKey && key > noneKey; }
// The mass relative to the most probable token, which has 1 even when its logit is infinite.
fn massOf(i: u32) -> f32 {
  let logit = bitcast<f32>(logits[start + i]);
  return select(exp((logit - largest) / p.temperature), 1.0, logit == largest);
}
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
}
// The weight of id i in the draw: 0 when a filter removes it.
fn drawn(i: u32, least: u32) -> f32 {
  let key = keyAt(i);
  if (key < least || !hasMass(key)) { return 0.0; }
  let mass = massOf(i);
  return select(0.0, mass, mass >= p.minP);
}

fn run(row: u32, lane: u32) {
  start = p.logits_at + row * p.logits_stride;
  var key = 0u;
  var index = 0u;
  var most = 0u;
  var finite = 0u;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    let next = keyAt(i);
    if (next > key) { key = next; index = i; }
    if (next != nanKey) { most = max(most, next); }
    if (hasMass(next) && next != infinityKey) { finite = 1u; }
  }
  let argmax = largestKey(lane, key, index);
  workgroupBarrier();
  let mostKey = largestKey(lane, most, 0u).x;
  finites[lane] = finite;
  workgroupBarrier();
  if (lane == 0u) {
    for (var k = 1u; k < workgroupSize; k++) { finites[0] |= finites[k]; }
  }
  if (workgroupUniformLoad(&finites[0]) == 0u) {
    if (lane == 0u) { ids[row] = i32(argmax.y); }
    return;
  }
  largest = bitcast<f32>(select(~mostKey, mostKey ^ 0x80000000u, mostKey >= 0x80000000u));

  var least = 0u;
  if (p.topK < p.vocabSize) { least = cut(lane, f32(p.topK), 0u, false); }
  if (p.topP < 1.0) {
    let wanted = p.topP * massFrom(lane, least);
    least = cut(lane, wanted, least, true);
  }

  // Each invocation sums a chunk of consecutive ids. The first invocation finds the chunk of the draw, then the id in it.
  let chunk = (p.vocabSize + workgroupSize - 1u) / workgroupSize;
  var sum = 0.0;
  for (var i = lane * chunk; i < min(lane * chunk + chunk, p.vocabSize); i++) { sum += drawn(i, least); }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane != 0u) { return; }
  var all = 0.0;
  var last = 0u;
  for (var k = 0u; k < workgroupSize; k++) {
    all += sums[k];
    if (sums[k] > 0.0) { last = k; }
  }
  let wanted = uniforms[row] * all;
  var before = 0.0;
  var k = 0u;
  while (k < last && before + sums[k] <= wanted) { before += sums[k]; k++; }
  var id = 0u;
  var within = 0.0;
  for (var i = k * chunk; i < min(k * chunk + chunk, p.vocabSize); i++) {
    let mass = drawn(i, least);
    if (mass > 0.0) { id = i; }
    within += mass;
    if (before + within > wanted) { break; }
  }
  ids[row] = i32(id);
}`,
  }),
);

export const sample: Op<"sample"> = (runtime, { batch, vocabSize }, logits, options) => {
  const { temperature, topK = vocabSize, topP = 1, minP = 0 } = options;
  const ids = runtime.result("sample", [batch], "i32");
  using uniforms = uploadArray(runtime, "sample", Float32Array.from(options.uniforms), [batch], "f32");
  const params = { vocabSize, topK: Math.min(topK, vocabSize), temperature, topP, minP };
  const shader = sampleShader(runtime.traits.subgroups);
  runtime.run("sample", shader, { logits, uniforms, ids }, params, batch);
  return ids;
};
