import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// out[r, o] = sum_j weights[r, j] y[r, j, o]: one invocation per result.
export const combineExpertsShader = defineShader({
  name: "combineExperts",
  read: { y: "f32", weights: "f32" },
  write: { out: "f32" },
  params: { count: "u32", perToken: "u32", width: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let r = i / p.width;
  let column = i % p.width;
  var sum = 0.0;
  for (var j = 0u; j < p.perToken; j++) {
    sum = fma(weights[p.weights_at + r * p.weights_stride + j], y[p.y_at + (r * p.perToken + j) * p.y_stride + column], sum);
  }
  out[i] = sum;
}`,
});

export const combineExperts: Op<"combineExperts"> = (
  runtime,
  { rows, perToken, outFeatures: width },
  y,
  weights,
) => {
  const op = "combineExperts";
  const out = runtime.result(op, [rows, width]);
  const count = rows * width;
  const params = { count, perToken, width };
  runtime.run(op, combineExpertsShader, { y, weights, out }, params, Math.ceil(count / 64));
  return out;
};
