import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { bucketCut } from "../wgsl/buckets.ts";
import { finiteKeys, keyOf, largestKey } from "../wgsl/keys.ts";
import { log1p } from "../wgsl/math.ts";

/** Entries of a list that one invocation ranks: the largest number of log-probabilities over the workgroup size. */
const ranked = 8;

// logits[v] - largest - log(sum_w exp(logits[w] - largest)) of the chosen id and of the `count` largest logits, one workgroup per
// row. The terms of the largest are counted apart, so that a sum near 1 loses nothing.
//
// The `count` largest are those above a threshold, which is found four bits at a time, and the lowest ids of those equal to it.
// They are written in the order of ids, then ranked: an entry moves behind all entries that are larger, or equal and before it.
export const logProbsShader = memoize((subgroups: boolean) =>
  defineShader({
    name: "sample log-probabilities",
    enable: subgroups ? ["subgroups"] : [],
    read: { logits: "u32", ids: "i32" },
    write: { logProb: "u32", topIds: "i32", topLogProbs: "u32" },
    params: { vocabSize: "u32", count: "u32" },
    workgroup: 128,
    code: /* wgsl */ `
${keyOf}
${finiteKeys}
${log1p}
${largestKey(subgroups)}
const nanBits = 0x7fc00000u;
var<private> start: u32;
var<workgroup> isValid: u32;
var<workgroup> counts: array<vec2<u32>, workgroupSize>;
fn keyAt(i: u32) -> u32 { return keyOf(logits[start + i]); }
fn hasMass(key: u32) -> bool { return true; }
fn massOf(i: u32) -> f32 { return 1.0; }
${bucketCut}

// Writes the count largest keys and their ids in the order of ids: the keys to topLogProbs.
fn gather(lane: u32, first: u32, threshold: u32) {
  let chunk = (p.vocabSize + workgroupSize - 1u) / workgroupSize;
  let begin = min(lane * chunk, p.vocabSize);
  let end = min(begin + chunk, p.vocabSize);
  var own = vec2<u32>(0u); // above the threshold, equal to it
  for (var i = begin; i < end; i++) {
    let key = keyAt(i);
    own += vec2<u32>(select(0u, 1u, key > threshold), select(0u, 1u, key == threshold));
  }
  counts[lane] = own;
  workgroupBarrier();
  var all = vec2<u32>(0u);
  var before = vec2<u32>(0u);
  for (var k = 0u; k < workgroupSize; k++) {
    if (k == lane) { before = all; }
    all += counts[k];
  }
  let ties = p.count - all.x;
  for (var i = begin; i < end; i++) {
    let key = keyAt(i);
    if (key < threshold || (key == threshold && before.y >= ties)) { continue; }
    let at = first + before.x + min(before.y, ties);
    topIds[at] = i32(i);
    topLogProbs[at] = key;
    if (key == threshold) { before.y++; } else { before.x++; }
  }
  storageBarrier();
}

fn run(row: u32, lane: u32) {
  start = p.logits_at + row * p.logits_stride;
  let first = row * p.count;
  var key = 0u;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) { key = max(key, keyAt(i)); }
  let most = largestKey(lane, key, 0u).x;
  if (lane == 0u) { isValid = select(0u, 1u, isFiniteKey(most)); }
  if (workgroupUniformLoad(&isValid) == 0u) {
    if (lane == 0u) { logProb[row] = nanBits; }
    for (var k = lane; k < p.count; k += workgroupSize) {
      topIds[first + k] = -1;
      topLogProbs[first + k] = nanBits;
    }
    return;
  }
  let largest = numberOf(most);
  var others = 0.0;
  var equal = 0.0;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    if (keyAt(i) == most) { equal += 1.0; } else { others += exp(bitcast<f32>(logits[start + i]) - largest); }
  }
  sums[lane] = others;
  sums[workgroupSize + lane] = equal;
  workgroupBarrier();
  others = 0.0;
  equal = -1.0;
  for (var k = 0u; k < workgroupSize; k++) {
    others += sums[k];
    equal += sums[workgroupSize + k];
  }
  workgroupBarrier();
  let rest = log1p(equal + others);
  if (lane == 0u) {
    let id = ids[row];
    logProb[row] = nanBits;
    if (id >= 0) { logProb[row] = bitcast<u32>((bitcast<f32>(logits[start + u32(id)]) - largest) - rest); }
  }
  if (p.count == 0u) { return; }

  gather(lane, first, cut(lane, f32(p.count), 0u, false));
  var ranks: array<u32, ${ranked}>;
  var keys: array<u32, ${ranked}>;
  var own: array<i32, ${ranked}>;
  for (var j = 0u; j < ${ranked}u; j++) {
    let k = j * workgroupSize + lane;
    if (k >= p.count) { break; }
    keys[j] = topLogProbs[first + k];
    own[j] = topIds[first + k];
    for (var other = 0u; other < p.count; other++) {
      let next = topLogProbs[first + other];
      ranks[j] += select(0u, 1u, next > keys[j] || (next == keys[j] && other < k));
    }
  }
  storageBarrier();
  for (var j = 0u; j < ${ranked}u; j++) {
    let k = j * workgroupSize + lane;
    if (k >= p.count) { break; }
    topIds[first + ranks[j]] = own[j];
    topLogProbs[first + ranks[j]] = bitcast<u32>((numberOf(keys[j]) - largest) - rest);
  }
}`,
  }),
);
