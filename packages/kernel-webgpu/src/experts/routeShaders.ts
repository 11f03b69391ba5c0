import { defineShader } from "../shader.ts";
import { keyOf } from "../wgsl/keys.ts";
import { decay, isNan, sigmoid } from "../wgsl/math.ts";

// A workgroup per row of logits. For its formulas see `RouteExpertsArgs`.

const params = {
  ...({ expertCount: "u32", perToken: "u32", scale: "f32" } as const),
  /** 0 softmax, 1 topSoftmax, 2 sigmoid */
  scoring: "u32",
  normalize: "u32",
} as const;

/** WGSL of a logit and its largest exponent: `softmaxOf(lane, row)` = (max, sum of exp(x - max)) of all logits. It has a barrier. */
const softmaxOf = /* wgsl */ `
${isNan}
${decay}
${sigmoid}
const smallest = 1e-20;
var<workgroup> sums: array<f32, workgroupSize>;
fn logit(row: u32, e: u32) -> f32 { return logits[p.logits_at + row * p.logits_stride + e]; }
fn sigmoidOf(x: f32) -> f32 { return select(sigmoid(x), x, isNan(x)); }
fn softmaxOf(lane: u32, row: u32) -> vec2<f32> {
  var largest = logit(row, 0u);
  for (var e = 1u; e < p.expertCount; e++) { largest = max(largest, logit(row, e)); }
  var own = 0.0;
  for (var e = lane; e < p.expertCount; e += workgroupSize) { own += decay(logit(row, e) - largest); }
  sums[lane] = own;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < min(workgroupSize, p.expertCount); i++) { sum += sums[i]; }
  return vec2<f32>(largest, sum);
}`;

// The place of an expert is the number of experts before it: those with a larger score, and those with the same and a lower index.
// Scores are compared by keys, in which NaN is the largest.
export const routeExpertsShader = defineShader({
  name: "routeExperts",
  read: { logits: "f32", bias: "f32" },
  write: { experts: "i32", weights: "f32" },
  params,
  code: /* wgsl */ `
${softmaxOf}
${keyOf}
var<workgroup> keys: array<u32, 1024>;
var<workgroup> chosen: array<f32, 64>;
fn run(row: u32, lane: u32) {
  for (var e = lane; e < p.expertCount; e += workgroupSize) {
    var score = logit(row, e);
    // Without a bias the logits have the order of the scores, and no two of them are equal for their rounding.
    if (p.bias_stride != 0u) { score = sigmoidOf(score) + bias[p.bias_at + e]; }
    keys[e] = keyOf(bitcast<u32>(score));
  }
  var all = vec2<f32>(0.0);
  if (p.scoring == 0u) { all = softmaxOf(lane, row); }
  workgroupBarrier();
  for (var e = lane; e < p.expertCount; e += workgroupSize) {
    let own = keys[e];
    var place = 0u;
    for (var i = 0u; i < p.expertCount; i++) {
      if (keys[i] > own || (keys[i] == own && i < e)) { place++; }
    }
    if (place < p.perToken) {
      experts[row * p.perToken + place] = i32(e);
      var value = logit(row, e);
      if (p.scoring == 0u) { value = decay(value - all.x) / all.y; }
      if (p.scoring == 2u) { value = sigmoidOf(value); }
      chosen[place] = value;
    }
  }
  workgroupBarrier();
  if (lane >= p.perToken) { return; }
  var value = chosen[lane];
  if (p.scoring == 1u) {
    var sum = 0.0;
    for (var j = 0u; j < p.perToken; j++) { sum += decay(chosen[j] - chosen[0]); }
    value = decay(value - chosen[0]) / sum;
  } else if (p.normalize != 0u) {
    var sum = smallest;
    for (var j = 0u; j < p.perToken; j++) { sum += chosen[j]; }
    value /= sum;
  }
  weights[row * p.perToken + lane] = value * p.scale;
}`,
});

// With the scores s of the chosen experts and the gradients g of their weights without the scale: normalize gives
// ds = (g - sum(g s) / sum(s)) / sum(s), otherwise ds = g. Through the softmax of all logits: dLogit = s (ds - sum(ds s)), with ds = 0
// for the others. Through the sigmoid: dLogit = ds s (1 - s).
export const routeExpertsBackwardShader = defineShader({
  name: "routeExpertsBackward",
  read: { dWeights: "f32", logits: "f32", experts: "i32" },
  write: { dLogits: "f32" },
  params,
  code: /* wgsl */ `
${softmaxOf}
var<workgroup> ids: array<u32, 64>;
var<workgroup> scores: array<f32, 64>;
var<workgroup> gradients: array<f32, 64>;
fn run(row: u32, lane: u32) {
  if (lane < p.perToken) {
    let at = row * p.perToken + lane;
    ids[lane] = u32(clamp(experts[p.experts_at + at], 0, i32(p.expertCount) - 1));
    gradients[lane] = dWeights[p.dWeights_at + row * p.dWeights_stride + lane] * p.scale;
    scores[lane] = logit(row, ids[lane]);
  }
  var all = vec2<f32>(0.0);
  if (p.scoring == 0u) { all = softmaxOf(lane, row); }
  workgroupBarrier();
  var most = scores[0];
  for (var j = 1u; j < p.perToken; j++) { most = max(most, scores[j]); }
  var sum = 0.0;
  if (p.scoring == 1u) {
    for (var j = 0u; j < p.perToken; j++) { sum += decay(scores[j] - most); }
  }
  workgroupBarrier();
  if (lane < p.perToken) {
    var value = scores[lane];
    if (p.scoring == 0u) { value = decay(value - all.x) / all.y; }
    if (p.scoring == 1u) { value = decay(value - most) / sum; }
    if (p.scoring == 2u) { value = sigmoidOf(value); }
    scores[lane] = value;
  }
  workgroupBarrier();
  var total = smallest;
  var product = 0.0;
  for (var j = 0u; j < p.perToken; j++) {
    total += scores[j];
    product = fma(gradients[j], scores[j], product);
  }
  let isNormalized = p.normalize != 0u && p.scoring != 1u;
  let shift = select(0.0, product / total, isNormalized);
  let divisor = select(1.0, total, isNormalized);
  var mean = 0.0;
  for (var j = 0u; j < p.perToken; j++) { mean = fma((gradients[j] - shift) / divisor, scores[j], mean); }
  for (var e = lane; e < p.expertCount; e += workgroupSize) {
    var value = 0.0;
    if (p.scoring == 0u) { value = -mean * (decay(logit(row, e) - all.x) / all.y); }
    for (var j = 0u; j < p.perToken; j++) {
      if (ids[j] != e) { continue; }
      let gradient = (gradients[j] - shift) / divisor;
      if (p.scoring == 2u) {
        let x = logit(row, e);
        value = gradient * (scores[j] * select(sigmoid(-x), x, isNan(x)));
      } else {
        value = scores[j] * (gradient - mean);
      }
    }
    dLogits[row * p.expertCount + e] = value;
  }
}`,
});
