import type { Sizes } from "@mamba/kernel/author";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Op } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import { decay, isNan } from "../wgsl/math.ts";
import { reduction, lanesPerRow } from "../wgsl/sums.ts";

/** Rows per workgroup. */
const rowsPerGroup = 64 / lanesPerRow;

/** WGSL that classifies targets. The bits of NaN are in a variable, because WGSL refuses a NaN constant. */
const targetTests = /* wgsl */ `
${isNan}
${decay}
var<private> nanBits: u32 = 0x7fc00000u;
fn isIgnored(row: u32) -> bool { return targets[row] == p.ignoreIndex; }
fn isOutside(row: u32) -> bool { return targets[row] < 0 || targets[row] >= p.vocabSize; }`;

// Per row: its largest logit, the sum of exp(logit - largest), and its loss = log(sum) + largest - logit[target], which is 0
// for an ignored target and NaN for a target outside of the vocabulary. Stored as rows of three numbers.
const crossEntropyRowsShader = defineShader({
  name: "crossEntropy rows",
  read: { logits: "f32", targets: "i32" },
  write: { rows: "f32" },
  params: { rowCount: "u32", vocabSize: "i32", ignoreIndex: "i32" },
  code: /* wgsl */ `
${targetTests}
// Combines two pairs (x, y) of a largest logit x and the sum y of exp(logit - x). A NaN takes precedence.
fn joined(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  if (isNan(a.x) || isNan(b.x)) { return select(b, a, isNan(a.x)); }
  if (b.x > a.x) { return vec2<f32>(b.x, b.y + a.y * decay(a.x - b.x)); }
  return vec2<f32>(a.x, a.y + b.y * decay(b.x - a.x));
}
${reduction("vec2<f32>", "softmax", "joined(a, b)")}
fn run(group: u32, lane: u32) {
  let place = group * ${rowsPerGroup}u + lane / ${lanesPerRow}u;
  let row = min(place, p.rowCount - 1u);
  let first = lane % ${lanesPerRow}u;
  let start = p.logits_at + row * p.logits_stride;
  let size = u32(p.vocabSize);
  // The lowest finite number: -infinity - (-infinity) would be NaN.
  var own = vec2<f32>(-0x1.fffffep+127f, 0.0);
  for (var i = first; i < size; i += ${lanesPerRow}u) { own = joined(own, vec2<f32>(logits[start + i], 1.0)); }
  let all = softmax(lane, own);
  if (first != 0u || place >= p.rowCount) { return; }
  var loss = 0.0;
  if (!isIgnored(row)) {
    if (isOutside(row)) { loss = bitcast<f32>(nanBits); }
    else if (isNan(all.x)) { loss = all.x; }
    else {
      // log(1) is not exactly 0 on every driver.
      let spread = select(log(all.y), 0.0, all.y == 1.0);
      loss = spread + (all.x - logits[start + u32(targets[row])]);
    }
  }
  rows[3u * row] = all.x;
  rows[3u * row + 1u] = all.y;
  rows[3u * row + 2u] = loss;
}`,
});

// The mean of the losses, and the number of targets that are not ignored.
const crossEntropyMeanShader = defineShader({
  name: "crossEntropy mean",
  read: { rows: "f32", targets: "i32" },
  write: { loss: "f32", counted: "f32" },
  params: { rowCount: "u32", vocabSize: "i32", ignoreIndex: "i32" },
  workgroup: lanesPerRow,
  code: /* wgsl */ `
${targetTests}
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
${targetTests}
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

/** Returns the loss and the inputs of its gradient: three numbers per row, and the number of targets that are not ignored. */
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
