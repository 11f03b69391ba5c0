import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { sigmoid } from "../wgsl/math.ts";
import { rangeOf } from "../wgsl/range.ts";

// y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d]), one invocation per y, followed by one per number of the
// final state, the last W-1 inputs. Inputs before the start of the range come from the initial state.
export const causalConv1dShader = defineShader({
  name: "causalConv1d",
  read: { x: "f32", weight: "f32", bias: "f32", initial: "f32", range: "i32" },
  write: { y: "f32", final_: "f32" },
  params: { length: "u32", channels: "u32", width: "u32", count: "u32", states: "u32", silu: "u32" },
  code: /* wgsl */ `
${sigmoid}
${rangeOf}
// The input at a position counted from the start of the range, which may be negative.
fn input(b: u32, d: u32, start: u32, position: i32) -> f32 {
  if (position >= 0) {
    return x[p.x_at + (b * p.length + start + u32(position)) * p.x_stride + d];
  }
  if (p.initial_stride == 0u) { return 0.0; }
  let past = p.width - 1u;
  return initial[(b * p.channels + d) * past + u32(i32(past) + position)];
}
fn run(group: u32, lane: u32) {
  var i = group * workgroupSize + lane;
  if (i < p.count) {
    let d = i % p.channels;
    let l = (i / p.channels) % p.length;
    let b = i / (p.channels * p.length);
    let real = rangeOf(b);
    if (l < real.x || l >= real.y) { y[i] = 0.0; return; }
    var sum = 0.0;
    if (p.bias_stride != 0u) { sum = bias[d]; }
    let first = i32(l - real.x) - i32(p.width - 1u);
    for (var k = 0u; k < p.width; k++) {
      sum += weight[d * p.width + k] * input(b, d, real.x, first + i32(k));
    }
    if (p.silu != 0u) { sum = sum * sigmoid(sum); }
    y[i] = sum;
    return;
  }
  i -= p.count;
  if (i >= p.states) { return; }
  let past = p.width - 1u;
  let d = (i / past) % p.channels;
  let b = i / (past * p.channels);
  let real = rangeOf(b);
  final_[i] = input(b, d, real.x, i32(real.y - real.x) - i32(past) + i32(i % past));
}`,
});

export const causalConv1d: Op<"causalConv1d"> = (runtime, { batch, length, channels, width }, args, want) => {
  const op = "causalConv1d";
  const { x, weight, bias, activation, initialState: initial, range } = args;
  const y = runtime.result(op, x.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, width - 1]) : undefined;
  const count = batch * length * channels;
  const states = finalState ? batch * channels * (width - 1) : 0;
  const params = { length, channels, width, count, states, silu: activation === "silu" ? 1 : 0 };
  const buffers = { x, weight, bias, initial, range, y, final_: finalState };
  runtime.run(op, causalConv1dShader, buffers, params, Math.ceil((count + states) / 64));
  return finalState ? { y, finalState } : { y };
};
