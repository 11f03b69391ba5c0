import type { CrossEntropyOptions } from "@mamba/kernel";
import type { Sizes } from "@mamba/kernel/author";
import { memoize } from "../memoize.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import { decay, isNan, nan } from "../wgsl/math.ts";
import { joined } from "../wgsl/softmax.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

/** `kept` is 1 - e and `spread` is e / V, for the label smoothing e. */
const params = { rows: "u32", vocabSize: "i32", ignoreIndex: "i32", kept: "f32", spread: "f32" } as const;

/** WGSL of the targets and of their weights. */
const targetFunctions = /* wgsl */ `
${isNan}
${nan}
${decay}
fn isIgnored(row: u32) -> bool { return targets[row] == p.ignoreIndex; }
fn isOutside(row: u32) -> bool { return targets[row] < 0 || targets[row] >= p.vocabSize; }
fn classWeight(v: u32) -> f32 {
  if (p.classWeights_stride == 0u) { return 1.0; }
  return classWeights[p.classWeights_at + v];
}
fn targetWeight(row: u32) -> f32 {
  if (isOutside(row)) { return 1.0; }
  return classWeight(u32(targets[row]));
}`;

/** WGSL that adds up w (largest - logit) and w over all classes of a row. */
const sumOfClasses = /* wgsl */ `
  for (var i = first; i < size; i += ${lanesPerRow}u) {
    let w = classWeight(i);
    if (w != 0.0) { even += w * vec2<f32>(all.x - logits[start + i], 1.0); }
  }
  even = sum(lane, even);`;

// Per row five numbers: the largest logit; the sum of exp(logit - largest); the loss times its weight, which is 0 for an ignored
// target and NaN for a target outside of the vocabulary; (1 - e) w[target], which is NaN for the latter too; and, with label
// smoothing, the sum of the class weights.
// The loss is (1 - e) w[target] (lse - logit[target]) + e / V sum(w (lse - logit)), with lse = log(sum) + largest. A class of weight 0
// counts nothing, even at -infinity.
const crossEntropyRowsShader = memoize((smooth: boolean) =>
  defineShader({
    name: `crossEntropy rows${smooth ? " smooth" : ""}`,
    read: { logits: "f32", targets: "i32", classWeights: "f32" },
    write: { each: "f32" },
    params,
    code: /* wgsl */ `
${targetFunctions}
${joined}
${reduction("vec2<f32>", "softmax", "joined(a, b)")}
${reduction("vec2<f32>", "sum", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.logits_at + row * p.logits_stride;
  let size = u32(p.vocabSize);
  var own = nothingJoined;
  for (var i = first; i < size; i += ${lanesPerRow}u) { own = joined(own, vec2<f32>(logits[start + i], 1.0)); }
  let all = softmax(lane, own);
  var even = vec2<f32>(0.0);
  ${smooth ? sumOfClasses : ""}
  if (first != 0u || place >= p.rows) { return; }
  var loss = 0.0;
  var weight = p.kept * targetWeight(row);
  if (!isIgnored(row)) {
    if (isOutside(row)) { weight = nan(); loss = weight; }
    else if (isNan(all.x)) { loss = all.x; }
    else {
      // log(1) is not exactly 0 on every driver.
      let logSum = select(log(all.y), 0.0, all.y == 1.0);
      if (weight != 0.0) { loss = weight * (logSum + (all.x - logits[start + u32(targets[row])])); }
      loss += p.spread * (even.x + logSum * even.y);
    }
  }
  each[5u * row] = all.x;
  each[5u * row + 1u] = all.y;
  each[5u * row + 2u] = loss;
  each[5u * row + 3u] = weight;
  each[5u * row + 4u] = even.y;
}`,
  }),
);

// The mean of the losses, and the sum of the weights of the targets that are not ignored.
const crossEntropyMeanShader = defineShader({
  name: "crossEntropy mean",
  read: { each: "f32", targets: "i32", classWeights: "f32" },
  write: { loss: "f32", counted: "f32" },
  params,
  workgroup: lanesPerRow,
  code: /* wgsl */ `
${targetFunctions}
${reduction("vec2<f32>", "total", "a + b")}
fn run(group: u32, lane: u32) {
  var own = vec2<f32>(0.0);
  for (var row = lane; row < p.rows; row += workgroupSize) {
    own += vec2<f32>(each[5u * row + 2u], select(targetWeight(row), 0.0, isIgnored(row)));
  }
  let all = total(lane, own);
  if (lane == 0u) {
    loss[0] = select(all.x / all.y, 0.0, all.y == 0.0);
    counted[0] = all.y;
  }
}`,
});

// dLogits = ((1 - e) w[target] (softmax(logits) - onehot(target)) + e / V (softmax(logits) sum(w) - w)) / counted
const crossEntropyGradientShader = memoize((smooth: boolean) =>
  defineShader({
    name: `crossEntropy gradient${smooth ? " smooth" : ""}`,
    read: { logits: "f32", targets: "i32", classWeights: "f32", each: "f32", counted: "f32" },
    write: { dLogits: "f32" },
    params: { ...params, count: "u32" },
    code: /* wgsl */ `
${targetFunctions}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / u32(p.vocabSize);
    let v = i - row * u32(p.vocabSize);
    let at = 5u * row;
    let weight = each[at + 3u];
    var gradient = 0.0;
    if (!isIgnored(row) && (counted[0] != 0.0 || isNan(weight))) {
      let probability = decay(logits[p.logits_at + row * p.logits_stride + v] - each[at]) / each[at + 1u];
      gradient = weight * (probability - select(0.0, 1.0, i32(v) == targets[row]));
      ${smooth ? "gradient += p.spread * (probability * each[at + 4u] - classWeight(v));" : ""}
      gradient /= counted[0];
    }
    dLogits[i] = gradient;
  }
}`,
  }),
);

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets, options) => {
  const { loss, each, counted } = mean(runtime, "crossEntropy", sizes, logits, targets, options);
  each.dispose();
  counted.dispose();
  return { loss };
};

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (
  runtime,
  sizes,
  logits,
  targets,
  options,
) => {
  const op = "crossEntropyWithGradient";
  const { loss, each, counted, inputs, scalars } = mean(runtime, op, sizes, logits, targets, options);
  const dLogits = runtime.result(op, logits.shape);
  const count = sizes.rows * sizes.vocabSize;
  const buffers = { ...inputs, each, counted, dLogits };
  runtime.run(
    op,
    crossEntropyGradientShader(sizes.labelSmoothing > 0),
    buffers,
    { ...scalars, count },
    Math.ceil(count / 256),
  );
  each.dispose();
  counted.dispose();
  return { loss, dLogits };
};

/** Returns the loss, the five numbers of each row, the sum of the weights, and what the gradient needs besides. */
function mean(
  runtime: Runtime,
  op: string,
  { rows, vocabSize, ignoreIndex, labelSmoothing }: Sizes<"crossEntropy">,
  logits: WebGpuTensor,
  targets: WebGpuTensor,
  { classWeights }: Own<CrossEntropyOptions> = {},
) {
  const loss = runtime.result(op, [1]);
  const each = runtime.result(op, [rows, 5]);
  const counted = runtime.result(op, [1]);
  const inputs = { logits, targets, classWeights };
  const kept = 1 - labelSmoothing;
  const scalars = { rows, vocabSize, ignoreIndex, kept, spread: labelSmoothing / vocabSize };
  runtime.run(
    op,
    crossEntropyRowsShader(labelSmoothing > 0),
    { ...inputs, each },
    scalars,
    Math.ceil(rows / rowsPerGroup),
  );
  runtime.run(op, crossEntropyMeanShader, { each, targets, classWeights, loss, counted }, scalars, 1);
  return { loss, each, counted, inputs, scalars };
}
