import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { addRows } from "../shared/addRows.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// With n = (x - mean) / norm and g = dy * weight: dx = (g - mean(g) - n * mean(g n)) / norm. The mean is computed
// as in layerNorm. The rows of dWeight, dy * n, are stored for the sum over them.
const layerNormBackwardShader = defineShader({
  name: "layerNormBackward",
  read: { dy: "f32", x: "f32", weight: "f32" },
  write: { dx: "f32", dWeights: "f32" },
  params: { rows: "u32", features: "u32", eps: "f32" },
  code: /* wgsl */ `
${reduction("f32", "sum", "a + b")}
${reduction("vec4<f32>", "sums", "a + b")}
fn gradient(row: u32, i: u32) -> f32 {
  let value = dy[p.dy_at + row * p.dy_stride + i];
  if (p.weight_stride == 0u) { return value; }
  return value * weight[p.weight_at + i];
}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var own = 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own += x[start + i] - x[start]; }
  let mean = x[start] + sum(lane, own) / f32(p.features);
  var each = vec4<f32>(0.0);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let value = x[start + i] - mean;
    let g = gradient(row, i);
    each += vec4<f32>(value, value * value, g, g * value);
  }
  let all = sums(lane, each) / f32(p.features);
  if (place >= p.rows) { return; }
  let norm = sqrt(max(all.y - all.x * all.x, 0.0) + p.eps);
  let slope = (all.w - all.x * all.z) / norm;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let n = (x[start + i] - mean - all.x) / norm;
    let at = row * p.features + i;
    dx[at] = (gradient(row, i) - all.z - n * slope) / norm;
    if (p.dWeights_stride != 0u) { dWeights[at] = dy[p.dy_at + row * p.dy_stride + i] * n; }
  }
}`,
});

export const layerNormBackward: Op<"layerNormBackward"> = (
  runtime,
  { rows, features },
  dy,
  x,
  weight,
  bias,
  eps,
) => {
  const op = "layerNormBackward";
  const dx = runtime.result(op, x.shape);
  const dWeight = weight && runtime.result(op, [features]);
  const dBias = bias && runtime.result(op, [features]);
  const dWeights = weight && runtime.result(op, [rows, features]);
  const buffers = { dy, x, weight, dx, dWeights };
  const groups = Math.ceil(rows / rowsPerGroup);
  runtime.run(op, layerNormBackwardShader, buffers, { rows, features, eps }, groups);
  if (dWeights && dWeight) addRows(runtime, op, dWeights, rows, features, dWeight);
  dWeights?.dispose();
  if (dBias) addRows(runtime, op, dy, rows, features, dBias);
  return { dx, ...(dWeight && { dWeight }), ...(dBias && { dBias }) };
};
