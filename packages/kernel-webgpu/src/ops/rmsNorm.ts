import { checkRmsNorm, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";

// y = x / sqrt(mean(x²) + eps) * weight, a workgroup for each row.
export const rmsNormShader = defineShader({
  name: "rmsNorm",
  read: { x: "f32", weight: "f32" },
  write: { y: "f32" },
  params: { features: "u32", eps: "f32" },
  workgroup: 128,
  code: /* wgsl */ `
var<workgroup> partial: array<f32, workgroupSize>;
fn run(row: u32, lane: u32) {
  let start = p.x_at + row * p.x_stride;
  var squares = 0.0;
  for (var i = lane; i < p.features; i += workgroupSize) {
    let value = x[start + i];
    squares += value * value;
  }
  partial[lane] = squares;
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { partial[lane] += partial[lane + half]; }
  }
  workgroupBarrier();
  let norm = sqrt(partial[0] / f32(p.features) + p.eps);
  for (var i = lane; i < p.features; i += workgroupSize) {
    var gain = 1.0;
    if (p.weight_stride != 0u) { gain = weight[p.weight_at + i]; }
    y[row * p.features + i] = x[start + i] / norm * gain;
  }
}`,
});

export function rmsNorm(runtime: Runtime, x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  const { rows, features } = checkRmsNorm(x, weight, eps);
  const op = "rmsNorm";
  runtime.checkOpen(op);
  const [input, gain] = [runtime.own(op, "x", x), runtime.ownIf(op, "weight", weight)];
  const y = runtime.result(op, x.shape);
  runtime.run(op, rmsNormShader, { x: input, weight: gain, y }, { features, eps }, rows);
  return y;
}
