import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { softplus } from "../wgsl/math.ts";

/** The parameter `high`: negative when there is no limit, because a shader may treat an infinity as any number. */
export const highOf = (max: number): number => (max === Infinity ? -1 : max);

// weight = clamp(softplus(dt + bias), low, high), logDecay = weight * A: one invocation per dt.
export const discretizeShader = defineShader({
  name: "discretize",
  read: { dt: "f32", bias: "f32", A: "f32" },
  write: { y: "f32" },
  params: { count: "u32", heads: "u32", low: "f32", high: "f32" },
  code: /* wgsl */ `
${softplus}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let row = i / p.heads;
  let h = i % p.heads;
  var raw = dt[p.dt_at + row * p.dt_stride + h];
  if (p.bias_stride != 0u) { raw += bias[p.bias_at + h]; }
  var weight = softplus(raw);
  // Not clamp, which may replace NaN.
  if (weight < p.low) { weight = p.low; }
  if (p.high >= 0.0 && weight > p.high) { weight = p.high; }
  let at = 2u * row * p.heads + h;
  y[at] = weight;
  y[at + p.heads] = weight * A[p.A_at + h];
}`,
});

export const discretize: Op<"discretize"> = (runtime, { rows, heads, min, max, shape }, { dt, bias, A }) => {
  const op = "discretize";
  const y = runtime.result(op, shape);
  const count = rows * heads;
  const params = { count, heads, low: min, high: highOf(max) };
  runtime.run(op, discretizeShader, { dt, bias, A, y }, params, Math.ceil(count / 64));
  return y;
};
