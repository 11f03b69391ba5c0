import { memoize } from "../memoize.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { addRows, rowsPerChunk } from "../shared/addRows.ts";
import { convInput, lastStart } from "../shared/convInput.ts";
import { sequenceIndex } from "../shared/sequenceIndex.ts";
import { siluDerivative } from "../wgsl/math.ts";
import { sequenceFunctions } from "../wgsl/sequences.ts";

// In these shaders positions are ranks: see `sequenceFunctions`. ds is in the order of ranks.

// ds = dy * act'(s), where s is the sum before the activation. 0 in padding.
const convSumsShader = memoize((sequences: boolean) =>
  defineShader({
    name: `causalConv1dBackward sums${sequences ? " sequences" : ""}`,
    read: { dy: "f32", x: "f32", weight: "f32", bias: "f32", initial: "f32", index: "u32" },
    write: { ds: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", count: "u32", silu: "u32" },
    code: /* wgsl */ `
${siluDerivative}
${convInput(sequences)}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let d = i % p.channels;
  let at = i / p.channels;
  let b = at / p.length;
  let rank = at % p.length;
  if (rank >= realCount(b)) { ds[i] = 0.0; return; }
  var gradient = dy[p.dy_at + rowAt(b, rank) * p.dy_stride + d];
  if (p.silu != 0u) {
    let start = startOf(b, rank);
    var sum = 0.0;
    if (p.bias_stride != 0u) { sum = bias[d]; }
    let first = i32(rank) - i32(p.width - 1u);
    for (var k = 0u; k < p.width; k++) {
      sum += weight[d * p.width + k] * input(b, d, start, first + i32(k));
    }
    gradient *= siluDerivative(sum);
  }
  ds[i] = gradient;
}`,
  }),
);

// dx[l] = sum_k ds[l + W-1 - k] * weight[d, k] over positions of the same sequence, plus dFinalState for the last W-1 inputs of
// the last one: one invocation per input, followed by one per number of the initial state, whose inputs are before the first
// sequence and belong to it.
const convInputShader = memoize((sequences: boolean) =>
  defineShader({
    name: `causalConv1dBackward input${sequences ? " sequences" : ""}`,
    read: { ds: "f32", weight: "f32", dFinal: "f32", index: "u32" },
    write: { dx: "f32", dInitial: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", count: "u32", states: "u32" },
    code: /* wgsl */ `
${sequenceFunctions(sequences ? "index[i]" : undefined)}
${lastStart}
fn gradient(b: u32, d: u32, rank: i32) -> f32 {
  let past = i32(p.width) - 1;
  let size = i32(realCount(b));
  // The sequences that start up to here are the one of this input and earlier ones.
  let latest = u32(max(rank, 0));
  var sum = 0.0;
  for (var k = 0; k <= past; k++) {
    let at = rank + past - k;
    if (at >= 0 && at < size && startOf(b, u32(at)) <= latest) {
      sum += ds[(b * p.length + u32(at)) * p.channels + d] * weight[d * p.width + u32(k)];
    }
  }
  let finalAt = rank - (size - past);
  if (p.dFinal_stride != 0u && finalAt >= 0 && lastStart(b) <= latest) {
    sum += dFinal[(b * p.channels + d) * u32(past) + u32(finalAt)];
  }
  return sum;
}
fn run(group: u32, lane: u32) {
  var i = group * workgroupSize + lane;
  if (i < p.count) {
    let d = i % p.channels;
    let b = i / (p.channels * p.length);
    let rank = (i / p.channels) % p.length;
    var value = 0.0;
    if (rank < realCount(b)) { value = gradient(b, d, i32(rank)); }
    dx[rowAt(b, rank) * p.channels + d] = value;
    return;
  }
  i -= p.count;
  if (i >= p.states) { return; }
  let past = p.width - 1u;
  let b = i / (past * p.channels);
  dInitial[i] = gradient(b, (i / past) % p.channels, i32(i % past) - i32(past));
}`,
  }),
);

// dWeight[d, k] = sum ds[l] * x[l-(W-1)+k] and dBias = sum ds over a chunk of positions of one batch row: one invocation for
// each of the W + 1 sums of a channel.
const convWeightShader = memoize((sequences: boolean) =>
  defineShader({
    name: `causalConv1dBackward weight${sequences ? " sequences" : ""}`,
    read: { ds: "f32", x: "f32", initial: "f32", index: "u32" },
    write: { dWeight: "f32", dBias: "f32" },
    params: { length: "u32", channels: "u32", width: "u32", chunks: "u32", columnGroups: "u32" },
    code: /* wgsl */ `
${convInput(sequences)}
fn run(group: u32, lane: u32) {
  let chunk = group / p.columnGroups;
  let i = (group % p.columnGroups) * workgroupSize + lane;
  let d = i % p.channels;
  let k = i / p.channels;
  if (k > p.width) { return; }
  let b = chunk / p.chunks;
  let first = (chunk % p.chunks) * ${rowsPerChunk}u;
  let end = min(first + ${rowsPerChunk}u, realCount(b));
  var sum = 0.0;
  for (var rank = first; rank < end; rank++) {
    let gradient = ds[(b * p.length + rank) * p.channels + d];
    if (k == p.width) { sum += gradient; } else {
      sum += gradient * input(b, d, startOf(b, rank), i32(rank + k) - i32(p.width - 1u));
    }
  }
  if (k < p.width) { dWeight[(chunk * p.channels + d) * p.width + k] = sum; }
  else if (p.dBias_stride != 0u) { dBias[chunk * p.channels + d] = sum; }
}`,
  }),
);

export const causalConv1dBackward: Op<"causalConv1dBackward"> = (
  runtime,
  { batch, length, channels, width },
  dy,
  { x, weight, bias, activation, initialState: initial, sequenceIds },
  dFinal,
) => {
  const op = "causalConv1dBackward";
  const sizes = { length, channels, width };
  const count = batch * length * channels;

  const index = sequenceIndex(runtime, op, sequenceIds);
  const sequences = index !== undefined;
  const ds = runtime.result(op, [batch, length, channels]);
  const silu = activation === "silu" ? 1 : 0;
  const inputs = { dy, x, weight, bias, initial, index };
  const sumsParams = { ...sizes, count, silu };
  runtime.run(op, convSumsShader(sequences), { ...inputs, ds }, sumsParams, Math.ceil(count / 64));

  const dx = runtime.result(op, x.shape);
  const dInitial = initial && runtime.result(op, initial.shape);
  const states = dInitial ? batch * channels * (width - 1) : 0;
  const targets = { dx, dInitial };
  const groups = Math.ceil((count + states) / 64);
  runtime.run(
    op,
    convInputShader(sequences),
    { ds, weight, dFinal, index, ...targets },
    { ...sizes, count, states },
    groups,
  );

  const dWeight = runtime.result(op, weight.shape);
  const dBias = bias && runtime.result(op, bias.shape);
  const chunks = Math.ceil(length / rowsPerChunk);
  const columnGroups = Math.ceil((channels * (width + 1)) / 64);
  const rows = batch * chunks;
  const weights = runtime.result(op, [rows, channels * width]);
  const biases = dBias && runtime.result(op, [rows, channels]);
  const sums = { dWeight: weights, dBias: biases };
  runtime.run(
    op,
    convWeightShader(sequences),
    { ds, x, initial, index, ...sums },
    { ...sizes, chunks, columnGroups },
    rows * columnGroups,
  );
  addRows(runtime, op, weights, rows, channels * width, dWeight);
  if (biases && dBias) addRows(runtime, op, biases, rows, channels, dBias);
  for (const temporary of [index, ds, weights, biases]) temporary?.dispose();
  return {
    x: dx,
    weight: dWeight,
    ...(dBias && { bias: dBias }),
    ...(dInitial && { initialState: dInitial }),
  };
};
