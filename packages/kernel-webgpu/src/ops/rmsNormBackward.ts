import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { addRows, rowsPerChunk } from "../shared/addRows.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// With n = x / norm, norm = sqrt(mean(x²) + eps): dx = (dy * weight - n * mean(dy * weight * n)) / norm. `norms` is stored for
// the gradient of the weight.
const rmsNormBackwardShader = defineShader({
  name: "rmsNormBackward",
  read: { dy: "f32", x: "f32", weight: "f32" },
  write: { dx: "f32", norms: "f32" },
  params: { rows: "u32", features: "u32", eps: "f32" },
  code: /* wgsl */ `
${reduction("vec2<f32>", "total", "a + b")}
fn gradient(row: u32, i: u32) -> f32 {
  let value = dy[p.dy_at + row * p.dy_stride + i];
  if (p.weight_stride == 0u) { return value; }
  return value * weight[p.weight_at + i];
}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var sums = vec2<f32>(0.0);
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    let value = x[start + i];
    sums += value * vec2<f32>(value, gradient(row, i));
  }
  sums = total(lane, sums) / f32(p.features);
  if (place >= p.rows) { return; }
  let norm = sqrt(sums.x + p.eps);
  let mean = sums.y / norm;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    dx[row * p.features + i] = (gradient(row, i) - x[start + i] / norm * mean) / norm;
  }
  if (first == 0u && p.norms_stride != 0u) { norms[row] = norm; }
}`,
});

// dWeight = sum over rows of dy * x / norm: one row of sums per chunk of rows.
const rmsNormBackwardWeightShader = defineShader({
  name: "rmsNormBackward weight",
  read: { dy: "f32", x: "f32", norms: "f32" },
  write: { sum: "f32" },
  params: { rows: "u32", features: "u32", columnGroups: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let chunk = group / p.columnGroups;
  let i = (group % p.columnGroups) * workgroupSize + lane;
  if (i >= p.features) { return; }
  let end = min((chunk + 1u) * ${rowsPerChunk}u, p.rows);
  var total = 0.0;
  for (var r = chunk * ${rowsPerChunk}u; r < end; r++) {
    total += dy[p.dy_at + r * p.dy_stride + i] * (x[p.x_at + r * p.x_stride + i] / norms[r]);
  }
  sum[chunk * p.features + i] = total;
}`,
});

export const rmsNormBackward: Op<"rmsNormBackward"> = (runtime, { rows, features }, dy, x, weight, eps) => {
  const op = "rmsNormBackward";
  const dx = runtime.result(op, x.shape);
  const norms = weight && runtime.result(op, [rows]);
  const groups = Math.ceil(rows / rowsPerGroup);
  const inputs = { dy, x, weight };
  runtime.run(op, rmsNormBackwardShader, { ...inputs, dx, norms }, { rows, features, eps }, groups);
  if (!norms) return { dx };
  const dWeight = runtime.result(op, [features]);
  const columnGroups = Math.ceil(features / 64);
  const chunks = Math.ceil(rows / rowsPerChunk);
  const sum = runtime.result(op, [chunks, features]);
  const params = { rows, features, columnGroups };
  runtime.run(op, rmsNormBackwardWeightShader, { dy, x, norms, sum }, params, chunks * columnGroups);
  addRows(runtime, op, sum, chunks, features, dWeight);
  sum.dispose();
  norms.dispose();
  return { dx, dWeight };
};
