import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { addRows } from "../shared/addRows.ts";
import { siluDerivative } from "../wgsl/math.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// Gate first, with u = x silu(z), n = u / norm(u), e = dy weight:
//   du = (e - n mean(e n)) / norm        dx = du silu(z)        dz = du x silu'(z)        dWeight = sum dy n
// Norm first, with n = x / norm(x), e = dy weight silu(z):
//   dx = (e - n mean(e n)) / norm        dz = dy weight n silu'(z)        dWeight = sum dy n silu(z)
// A row here is one of the `groups` column ranges of a row of x. `terms` gets the terms of dWeight.
const gatedRmsNormBackwardShader = defineShader({
  name: "gatedRmsNormBackward",
  read: { dy: "f32", x: "f32", z: "f32", weight: "f32" },
  write: { dx: "f32", dz: "f32", terms: "f32" },
  params: { rows: "u32", groups: "u32", width: "u32", eps: "f32", normFirst: "u32" },
  code: /* wgsl */ `
${siluDerivative}
${reduction("vec2<f32>", "total", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let column = (row % p.groups) * p.width;
  let r = row / p.groups;
  let atX = p.x_at + r * p.x_stride + column;
  let atZ = p.z_at + r * p.z_stride + column;
  let atDy = p.dy_at + r * p.dy_stride + column;
  let atWeight = p.weight_at + column;
  let gateFirst = p.normFirst == 0u;
  var sums = vec2<f32>(0.0);
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    let gate = z[atZ + i];
    let silu = gate * sigmoid(gate);
    let normed = x[atX + i] * select(1.0, silu, gateFirst);
    let gradient = dy[atDy + i] * weight[atWeight + i] * select(silu, 1.0, gateFirst);
    sums += normed * vec2<f32>(normed, gradient);
  }
  sums = total(lane, sums) / f32(p.width);
  if (place >= p.rows) { return; }
  let norm = sqrt(sums.x + p.eps);
  let mean = sums.y / norm;
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    let gate = z[atZ + i];
    let silu = gate * sigmoid(gate);
    let value = x[atX + i];
    let n = value * select(1.0, silu, gateFirst) / norm;
    let weighted = dy[atDy + i] * weight[atWeight + i];
    let through = (weighted * select(silu, 1.0, gateFirst) - n * mean) / norm;
    let at = row * p.width + i;
    dx[at] = through * select(1.0, silu, gateFirst);
    dz[at] = select(weighted * n, through * value, gateFirst) * siluDerivative(gate);
    terms[at] = dy[atDy + i] * n * select(silu, 1.0, gateFirst);
  }
}`,
});

export const gatedRmsNormBackward: Op<"gatedRmsNormBackward"> = (
  runtime,
  { rows, features, groups },
  dy,
  { x, z, weight, eps, normBeforeGate = false },
) => {
  const op = "gatedRmsNormBackward";
  const dx = runtime.result(op, x.shape);
  const dz = runtime.result(op, z.shape);
  const dWeight = runtime.result(op, weight.shape);
  const terms = runtime.result(op, [rows, features]);
  const ranges = rows * groups;
  const params = { rows: ranges, groups, width: features / groups, eps, normFirst: normBeforeGate ? 1 : 0 };
  const buffers = { dy, x, z, weight, dx, dz, terms };
  runtime.run(op, gatedRmsNormBackwardShader, buffers, params, Math.ceil(ranges / rowsPerGroup));
  addRows(runtime, op, terms, rows, features, dWeight);
  terms.dispose();
  return { x: dx, z: dz, weight: dWeight };
};
