import { memoize } from "../memoize.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { convInput } from "../shared/convInput.ts";
import { sequenceIndex } from "../shared/sequenceIndex.ts";
import { sigmoid } from "../wgsl/math.ts";

// y[b,l,d] = act(bias[d] + sum_k weight[d,k] * x[b, l-(W-1)+k, d]), one invocation per y, followed by one per number of the
// final state, the last W-1 inputs of the last sequence. Inputs before the first sequence come from the initial state, and those
// before another sequence are 0. Positions are ranks: see `sequenceFunctions`.
export const causalConv1dShader = memoize((sequences: boolean) =>
  defineShader({
    name: `causalConv1d${sequences ? " sequences" : ""}`,
    read: { x: "f32", weight: "f32", bias: "f32", initial: "f32", index: "u32" },
    write: { y: "f32", final_: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", count: "u32", states: "u32", silu: "u32" },
    code: /* wgsl */ `
${sigmoid}
${convInput(sequences)}
fn run(group: u32, lane: u32) {
  var i = group * workgroupSize + lane;
  if (i < p.count) {
    let d = i % p.channels;
    let rank = (i / p.channels) % p.length;
    let b = i / (p.channels * p.length);
    let at = rowAt(b, rank) * p.channels + d;
    if (rank >= realCount(b)) { y[at] = 0.0; return; }
    let start = startOf(b, rank);
    var sum = 0.0;
    if (p.bias_stride != 0u) { sum = bias[d]; }
    let first = i32(rank) - i32(p.width - 1u);
    for (var k = 0u; k < p.width; k++) {
      sum += weight[d * p.width + k] * input(b, d, start, first + i32(k));
    }
    if (p.silu != 0u) { sum = sum * sigmoid(sum); }
    y[at] = sum;
    return;
  }
  i -= p.count;
  if (i >= p.states) { return; }
  let past = p.width - 1u;
  let d = (i / past) % p.channels;
  let b = i / (past * p.channels);
  final_[i] = input(b, d, lastStart(b), i32(realCount(b)) - i32(past) + i32(i % past));
}`,
  }),
);

export const causalConv1d: Op<"causalConv1d"> = (runtime, { batch, length, channels, width }, args, want) => {
  const op = "causalConv1d";
  const { x, weight, bias, activation, initialState: initial, sequenceIds } = args;
  const index = sequenceIndex(runtime, op, sequenceIds);
  const y = runtime.result(op, x.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, width - 1]) : undefined;
  const count = batch * length * channels;
  const states = finalState ? batch * channels * (width - 1) : 0;
  const params = { length, channels, width, count, states, silu: activation === "silu" ? 1 : 0 };
  const buffers = { x, weight, bias, initial, index, y, final_: finalState };
  const shader = causalConv1dShader(index !== undefined);
  runtime.run(op, shader, buffers, params, Math.ceil((count + states) / 64));
  index?.dispose();
  return finalState ? { y, finalState } : { y };
};
