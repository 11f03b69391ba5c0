import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// y = (x - mean) / sqrt(var + eps) * weight + bias. A large mean is off by its rounding, which is the mean of x - mean and is taken
// off too; with the first element as the origin of the sum, a row of equal elements has the variance 0.
const layerNormShader = defineShader({
  name: "layerNorm",
  read: { x: "f32", weight: "f32", bias: "f32" },
  write: { y: "f32" },
  params: { rows: "u32", features: "u32", eps: "f32" },
  code: /* wgsl */ `
${reduction("f32", "sum", "a + b")}
${reduction("vec2<f32>", "sums", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var own = 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own += x[start + i] - x[start]; }
  let mean = x[start] + sum(lane, own) / f32(p.features);
  var both = vec2<f32>(0.0);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let value = x[start + i] - mean;
    both += value * vec2<f32>(1.0, value);
  }
  let all = sums(lane, both) / f32(p.features);
  if (place >= p.rows) { return; }
  let norm = sqrt(max(all.y - all.x * all.x, 0.0) + p.eps);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    var gain = 1.0;
    var shift = 0.0;
    if (p.weight_stride != 0u) { gain = weight[p.weight_at + i]; }
    if (p.bias_stride != 0u) { shift = bias[p.bias_at + i]; }
    y[row * p.features + i] = (x[start + i] - mean - all.x) / norm * gain + shift;
  }
}`,
});

export const layerNorm: Op<"layerNorm"> = (runtime, { rows, features }, x, weight, bias, eps) => {
  const y = runtime.result("layerNorm", x.shape);
  const groups = Math.ceil(rows / rowsPerGroup);
  runtime.run("layerNorm", layerNormShader, { x, weight, bias, y }, { rows, features, eps }, groups);
  return y;
};
