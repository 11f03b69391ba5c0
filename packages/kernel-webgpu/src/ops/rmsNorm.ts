import { memoize } from "../memoize.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { sumOfAll } from "../wgsl/sums.ts";

// y = x / sqrt(mean(x²) + eps) * weight, one workgroup per row.
export const rmsNormShader = memoize((subgroups: boolean) =>
  defineShader({
    name: "rmsNorm",
    enable: subgroups ? ["subgroups"] : [],
    read: { x: "f32", weight: "f32" },
    write: { y: "f32" },
    params: { features: "u32", eps: "f32" },
    workgroup: 128,
    code: /* wgsl */ `
${sumOfAll(subgroups)}
fn run(row: u32, lane: u32) {
  let start = p.x_at + row * p.x_stride;
  var squares = 0.0;
  for (var i = lane; i < p.features; i += workgroupSize) {
    let value = x[start + i];
    squares += value * value;
  }
  let norm = sqrt(sumOfAll(lane, squares) / f32(p.features) + p.eps);
  for (var i = lane; i < p.features; i += workgroupSize) {
    var gain = 1.0;
    if (p.weight_stride != 0u) { gain = weight[p.weight_at + i]; }
    y[row * p.features + i] = x[start + i] / norm * gain;
  }
}`,
  }),
);

export const rmsNorm: Op<"rmsNorm"> = (runtime, { rows, features }, x, weight, eps) => {
  const y = runtime.result("rmsNorm", x.shape);
  const shader = rmsNormShader(runtime.traits.subgroups);
  runtime.run("rmsNorm", shader, { x, weight, y }, { features, eps }, rows);
  return y;
};
