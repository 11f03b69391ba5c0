import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { sigmoid } from "../wgsl/math.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// y = weight * norm(x * silu(z)), or weight * norm(x) * silu(z): a row here is one of the `groups` column ranges of a row of x, with
// `width` columns.
export const gatedRmsNormShader = defineShader({
  name: "gatedRmsNorm",
  read: { x: "f32", z: "f32", weight: "f32" },
  write: { y: "f32" },
  params: { rows: "u32", groups: "u32", width: "u32", eps: "f32", normFirst: "u32" },
  code: /* wgsl */ `
${sigmoid}
${reduction("f32", "total", "a + b")}
fn silu(x: f32) -> f32 { return x * sigmoid(x); }
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let column = (row % p.groups) * p.width;
  let r = row / p.groups;
  let atX = p.x_at + r * p.x_stride + column;
  let atZ = p.z_at + r * p.z_stride + column;
  var squares = 0.0;
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    var value = x[atX + i];
    if (p.normFirst == 0u) { value *= silu(z[atZ + i]); }
    squares = fma(value, value, squares);
  }
  let norm = sqrt(total(lane, squares) / f32(p.width) + p.eps);
  if (place >= p.rows) { return; }
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    y[row * p.width + i] = x[atX + i] * silu(z[atZ + i]) / norm * weight[p.weight_at + column + i];
  }
}`,
});

export const gatedRmsNorm: Op<"gatedRmsNorm"> = (
  runtime,
  { rows, features, groups },
  { x, z, weight, eps, normBeforeGate = false },
) => {
  const op = "gatedRmsNorm";
  const y = runtime.result(op, x.shape);
  const ranges = rows * groups;
  const params = { rows: ranges, groups, width: features / groups, eps, normFirst: normBeforeGate ? 1 : 0 };
  runtime.run(op, gatedRmsNormShader, { x, z, weight, y }, params, Math.ceil(ranges / rowsPerGroup));
  return y;
};
