import type { Sizes } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import type { WebGpuTensor } from "../tensor.ts";
import { decay, isNan } from "../wgsl/math.ts";
import { reduction, sharers } from "../wgsl/total.ts";

/** Rows per workgroup. */
const rowsPerGroup = 64 / sharers;

/** The targets that count, and a NaN that no compiler sees. */
const targets_ = /* wgsl */ `
${isNan}
${decay}
var<private> nanBits: u32 = 0x7fc00000u;
fn isIgnored(row: u32) -> bool { return targets[row] == p.ignoreIndex; }
fn isOutside(row: u32) -> bool { return targets[row] < 0 || targets[row] >= p.vocabSize; }`;

// For each row its largest logit and the sum of exp(logit - largest), and its loss: log of the sum + largest - logit[target],
// 0 for an ignored target, NaN for one outside of the vocabulary. Stored as rows of three.
const crossEntropyRowsShader = defineShader({
  name: "crossEntropy rows",
  read: { logits: "f32", targets: "i32" },
  write: { rows: "f32" },
  params: { rowCount: "u32", vocabSize: "i32", ignoreIndex: "i32" },
  code: /* wgsl */ `
${targets_}
// Sums y of exp(logit - x), each under its own largest logit x. A NaN wins.
fn joined(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  if (isNan(a.x) || isNan(b.x)) { return select(b, a, isNan(a.x)); }
  if (b.x > a.x) { return vec2<f32>(b.x, b.y + a.y * decay(a.x - b.x)); }
  return vec2<f32>(a.x, a.y + b.y * decay(b.x - a.x));
}
${reduction("vec2<f32>", "softmax", "joined(a, b)")}
fn run(group: u32, lane: u32) {
  let place = group * ${rowsPerGroup}u + lane / ${sharers}u;
  let row = min(place, p.rowCount - 1u);
  let first = lane % ${sharers}u;
  let start = p.logits_at + row * p.logits_stride;
  let size = u32(p.vocabSize);
  // The lowest number and not -infinity, from which nothing can be subtracted.
  var own = vec2<f32>(-0x1.fffffep+127f, 0.0);
  for (var i = first; i < size; i += ${sharers}u) { own = joined(own, vec2<f32>(logits[start + i], 1.0)); }
  let all = softmax(lane, own);
  if (first != 0u || place >= p.rowCount) { return; }
  var loss = 0.0;
  if (!isIgnored(row)) {
    if (isOutside(row)) { loss = bitcast<f32>(nanBits); }
    else if (isNan(all.x)) { loss = all.x; }
    else {
      // A driver's log(1) need not be 0.
      let spread = select(log(all.y), 0.0, all.y == 1.0);
      loss = spread + (all.x - logits[start + u32(targets[row])]);
    }
  }
  rows[3u * row] = all.x;
  rows[3u * row + 1u] = all.y;
  rows[3u * row + 2u] = loss;
}`,
});

// The mean of the losses, and how many targets count.
const crossEntropyMeanShader = defineShader({
  name: "crossEntropy mean",
  read: { rows: "f32", targets: "i32" },
  write: { loss: "f32", counted: "f32" },
  params: { rowCount: "u32", vocabSize: "i32", ignoreIndex: "i32" },
  workgroup: sharers,
  code: /* wgsl */ `
${targets_}
${reduction("vec2<f32>", "total", "a + b")}
fn run(group: u32, lane: u32) {
  var own = vec2<f32>(0.0);
  for (var row = lane; row < p.rowCount; row += workgroupSize) {
    own += vec2<f32>(rows[3u * row + 2u], select(1.0, 0.0, isIgnored(row)));
  }
  let all = total(lane, own);
  if (lane == 0u) {
    loss[0] = all.x / max(all.y, 1.0);
    counted[0] = all.y;
  }
}`,
});

// dLogits = (softmax(logits) - onehot(target)) / count
const crossEntropyGradientShader = defineShader({
  name: "crossEntropy gradient",
  read: { logits: "f32", targets: "i32", rows: "f32", counted: "f32" },
  write: { dLogits: "f32" },
  params: { count: "u32", vocabSize: "i32", ignoreIndex: "i32" },
  code: /* wgsl */ `
${targets_}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = i / u32(p.vocabSize);
    let v = i % u32(p.vocabSize);
    var gradient = 0.0;
    if (!isIgnored(row)) {
      if (isOutside(row)) { gradient = bitcast<f32>(nanBits); } else {
        gradient = decay(logits[p.logits_at + row * p.logits_stride + v] - rows[3u * row]) / rows[3u * row + 1u];
        if (i32(v) == targets[row]) { gradient -= 1.0; }
        gradient /= counted[0];
      }
    }
    dLogits[i] = gradient;
  }
}`,
});

export const crossEntropy: Op<"crossEntropy"> = (runtime, sizes, logits, targets) => {
  const { loss, rows, counted } = mean(runtime, "crossEntropy", sizes, logits, targets);
  rows.dispose();
  counted.dispose();
  return { loss };
};

export const crossEntropyWithGradient: Op<"crossEntropyWithGradient"> = (runtime, sizes, logits, targets) => {
  const op = "crossEntropyWithGradient";
  const { vocabSize, ignoreIndex } = sizes;
  const { loss, rows, counted } = mean(runtime, op, sizes, logits, targets);
  const dLogits = runtime.result(op, logits.shape);
  const count = sizes.rows * vocabSize;
  const buffers = { logits, targets, rows, counted, dLogits };
  const params = { count, vocabSize, ignoreIndex };
  runtime.run(op, crossEntropyGradientShader, buffers, params, Math.ceil(count / 256));
  rows.dispose();
  counted.dispose();
  return { loss, dLogits };
};

/** The loss, and what the gradient needs beside it: three numbers per row, and the number of targets that count. */
function mean(
  runtime: Runtime,
  op: string,
  { rows: rowCount, vocabSize, ignoreIndex }: Sizes<"crossEntropy">,
  logits: WebGpuTensor,
  targets: WebGpuTensor,
): { readonly loss: WebGpuTensor; readonly rows: WebGpuTensor; readonly counted: WebGpuTensor } {
  const loss = runtime.result(op, [1]);
  const rows = runtime.result(op, [rowCount, 3]);
  const counted = runtime.result(op, [1]);
  const params = { rowCount, vocabSize, ignoreIndex };
  const groups = Math.ceil(rowCount / rowsPerGroup);
  runtime.run(op, crossEntropyRowsShader, { logits, targets, rows }, params, groups);
  runtime.run(op, crossEntropyMeanShader, { rows, targets, loss, counted }, params, 1);
  return { loss, rows, counted };
}
