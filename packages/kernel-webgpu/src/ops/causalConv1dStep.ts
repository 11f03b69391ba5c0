import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { sigmoid } from "../wgsl/math.ts";

// causalConv1d for one token: one invocation per channel, which also shifts the W-1 inputs of its state.
export const causalConv1dStepShader = defineShader({
  name: "causalConv1dStep",
  read: { x: "f32", weight: "f32", bias: "f32" },
  write: { state: "f32", y: "f32" },
  params: { channels: "u32", width: "u32", count: "u32", silu: "u32" },
  code: /* wgsl */ `
${sigmoid}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let d = i % p.channels;
  let b = i / p.channels;
  let past = p.width - 1u;
  let first = p.state_at + i * past;
  let newest = x[p.x_at + b * p.x_stride + d];
  var sum = 0.0;
  if (p.bias_stride != 0u) { sum = bias[d]; }
  for (var k = 0u; k < past; k++) {
    let old = state[first + k];
    sum += weight[d * p.width + k] * old;
    if (k > 0u) { state[first + k - 1u] = old; }
  }
  sum += weight[d * p.width + past] * newest;
  state[first + past - 1u] = newest;
  if (p.silu != 0u) { sum = sum * sigmoid(sum); }
  y[i] = sum;
}`,
});

export const causalConv1dStep: Op<"causalConv1dStep"> = (
  runtime,
  { batch, channels, width },
  state,
  args,
) => {
  const op = "causalConv1dStep";
  const { x, weight, bias, activation } = args;
  const y = runtime.result(op, x.shape);
  const count = batch * channels;
  const params = { channels, width, count, silu: activation === "silu" ? 1 : 0 };
  const buffers = { x, weight, bias, state, y };
  runtime.run(op, causalConv1dStepShader, buffers, params, Math.ceil(count / 64));
  return y;
};
