import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { addRows, rowsPerChunk } from "../shared/addRows.ts";
import { siluDerivative } from "../wgsl/math.ts";
import { rangeOf } from "../wgsl/range.ts";

/** `input(b, d, start, position)`: the input at a position counted from the start of the range, which may be negative. */
const inputAt = /* wgsl */ `
fn input(b: u32, d: u32, start: u32, position: i32) -> f32 {
  if (position >= 0) { return x[p.x_at + (b * p.length + start + u32(position)) * p.x_stride + d]; }
  if (p.initial_stride == 0u) { return 0.0; }
  let past = p.width - 1u;
  return initial[(b * p.channels + d) * past + u32(i32(past) + position)];
}`;

// ds = dy * act'(s), where s is the sum before the activation. 0 in padding.
const convSumsShader = defineShader({
  name: "causalConv1dBackward sums",
  read: { dy: "f32", x: "f32", weight: "f32", bias: "f32", initial: "f32", range: "i32" },
  write: { ds: "f32" },
  params: { length: "u32", channels: "u32", width: "u32", count: "u32", silu: "u32" },
  code: /* wgsl */ `
${siluDerivative}
${rangeOf}
${inputAt}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let d = i % p.channels;
  let row = i / p.channels;
  let b = row / p.length;
  let l = row % p.length;
  let real = rangeOf(b);
  if (l < real.x || l >= real.y) { ds[i] = 0.0; return; }
  var gradient = dy[p.dy_at + row * p.dy_stride + d];
  if (p.silu != 0u) {
    var sum = 0.0;
    if (p.bias_stride != 0u) { sum = bias[d]; }
    let first = i32(l - real.x) - i32(p.width - 1u);
    for (var k = 0u; k < p.width; k++) {
      sum += weight[d * p.width + k] * input(b, d, real.x, first + i32(k));
    }
    gradient *= siluDerivative(sum);
  }
  ds[i] = gradient;
}`,
});

// dx[l] = sum_k ds[l + W-1 - k] * weight[d, k], plus dFinalState for the last W-1 inputs: one invocation per input, followed
// by one per number of the initial state, whose inputs are before the range.
const convInputShader = defineShader({
  name: "causalConv1dBackward input",
  read: { ds: "f32", weight: "f32", range: "i32", dFinal: "f32" },
  write: { dx: "f32", dInitial: "f32" },
  params: { length: "u32", channels: "u32", width: "u32", count: "u32", states: "u32" },
  code: /* wgsl */ `
${rangeOf}
// Positions count from the start of the range.
fn gradient(b: u32, d: u32, real: vec2<u32>, position: i32) -> f32 {
  let past = i32(p.width) - 1;
  let size = i32(real.y - real.x);
  var sum = 0.0;
  for (var k = 0; k <= past; k++) {
    let at = position + past - k;
    if (at >= 0 && at < size) {
      sum += ds[(b * p.length + real.x + u32(at)) * p.channels + d] * weight[d * p.width + u32(k)];
    }
  }
  let finalAt = position - (size - past);
  if (p.dFinal_stride != 0u && finalAt >= 0) { sum += dFinal[(b * p.channels + d) * u32(past) + u32(finalAt)]; }
  return sum;
}
fn run(group: u32, lane: u32) {
  var i = group * workgroupSize + lane;
  if (i < p.count) {
    let b = i / (p.channels * p.length);
    let l = (i / p.channels) % p.length;
    let real = rangeOf(b);
    var value = 0.0;
    if (l >= real.x && l < real.y) { value = gradient(b, i % p.channels, real, i32(l - real.x)); }
    dx[i] = value;
    return;
  }
  i -= p.count;
  if (i >= p.states) { return; }
  let past = p.width - 1u;
  let b = i / (past * p.channels);
  dInitial[i] = gradient(b, (i / past) % p.channels, rangeOf(b), i32(i % past) - i32(past));
}`,
});

// dWeight[d, k] = sum ds[l] * x[l-(W-1)+k] and dBias = sum ds over a chunk of positions of one batch row: one invocation for
// each of the W + 1 sums of a channel.
const convWeightShader = defineShader({
  name: "causalConv1dBackward weight",
  read: { ds: "f32", x: "f32", initial: "f32", range: "i32" },
  write: { dWeight: "f32", dBias: "f32" },
  params: { length: "u32", channels: "u32", width: "u32", chunks: "u32", columnGroups: "u32" },
  code: /* wgsl */ `
${rangeOf}
${inputAt}
fn run(group: u32, lane: u32) {
  let chunk = group / p.columnGroups;
  let i = (group % p.columnGroups) * workgroupSize + lane;
  let d = i % p.channels;
  let k = i / p.channels;
  if (k > p.width) { return; }
  let b = chunk / p.chunks;
  let real = rangeOf(b);
  let first = (chunk % p.chunks) * ${rowsPerChunk}u;
  let end = min(first + ${rowsPerChunk}u, real.y);
  var sum = 0.0;
  for (var l = max(first, real.x); l < end; l++) {
    let gradient = ds[(b * p.length + l) * p.channels + d];
    if (k == p.width) { sum += gradient; } else {
      sum += gradient * input(b, d, real.x, i32(l - real.x + k) - i32(p.width - 1u));
    }
  }
  if (k < p.width) { dWeight[(chunk * p.channels + d) * p.width + k] = sum; }
  else if (p.dBias_stride != 0u) { dBias[chunk * p.channels + d] = sum; }
}`,
});

export const causalConv1dBackward: Op<"causalConv1dBackward"> = (
  runtime,
  { batch, length, channels, width },
  dy,
  { x, weight, bias, activation, initialState: initial, range },
  dFinal,
) => {
  const op = "causalConv1dBackward";
  const sizes = { length, channels, width };
  const count = batch * length * channels;

  const ds = runtime.result(op, [batch, length, channels]);
  const silu = activation === "silu" ? 1 : 0;
  const inputs = { dy, x, weight, bias, initial, range };
  runtime.run(op, convSumsShader, { ...inputs, ds }, { ...sizes, count, silu }, Math.ceil(count / 64));

  const dx = runtime.result(op, x.shape);
  const dInitial = initial && runtime.result(op, initial.shape);
  const states = dInitial ? batch * channels * (width - 1) : 0;
  const targets = { dx, dInitial };
  const groups = Math.ceil((count + states) / 64);
  runtime.run(
    op,
    convInputShader,
    { ds, weight, range, dFinal, ...targets },
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
    convWeightShader,
    { ds, x, initial, range, ...sums },
    { ...sizes, chunks, columnGroups },
    rows * columnGroups,
  );
  addRows(runtime, op, weights, rows, channels * width, dWeight);
  if (biases && dBias) addRows(runtime, op, biases, rows, channels, dBias);
  for (const temporary of [ds, weights, biases]) temporary?.dispose();
  return {
    x: dx,
    weight: dWeight,
    ...(dBias && { bias: dBias }),
    ...(dInitial && { initialState: dInitial }),
  };
};
