import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { decay, isNan, sigmoid } from "../wgsl/math.ts";
import { gated, scanSequences, scanShaderName, stateInterval, stepSize } from "./wgsl.ts";

// The shaders of selectiveScanBackward, over channels [first, first + channels). With g = dloss/dh[l], ds = dy silu(z) and
// x = dt u:
//   g[l] = ds[l] C[l] + exp(dt[l+1] A) g[l+1]                                  chunk gradients: g at the end of each chunk
//   v = sum_n g B     w = sum_n g h[l-1] exp(dt A) A     s = sum_n C h[l]      chunks, in parallel; also dA, dB and dC
//   du = ds D + dt v     ddelta = (w + u v) softplus'     dz = dy (s + D u) silu'(z)     dD = sum ds u
// Where a sequence other than the first of the row starts at l, h[l-1] is 0 in w, and exp(dt[l] A) is 0 in g[l-1].
// A chunk has `stateInterval` positions. The shaders of the third line are in inputGradientShaders.ts.

// steps [3, B, L, D], in the order of ranks: dt, x = dt * u, and ds. 0 in padding.
export const scanStepsShader = memoize((sequences: boolean) =>
  defineShader({
    name: scanShaderName("selectiveScanBackward steps", sequences),
    read: { u: "f32", delta: "f32", dy: "f32", z: "f32", packed: "f32" },
    write: { steps: "f32" },
    params: {
      length: "u32",
      channels: "u32",
      first: "u32",
      count: "u32",
      bias_at: "u32",
      index_at: "u32",
      softplus: "u32",
    },
    code: /* wgsl */ `
${sigmoid}
${scanSequences(sequences)}
${stepSize}
${gated}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let place = i / p.channels;
  let row = rowOf(place);
  let d = p.first + i % p.channels;
  var dt = 0.0;
  var x = 0.0;
  var ds = 0.0;
  if (!isPadding(place)) {
    dt = stepSize(rawDelta(row, d));
    x = dt * u[p.u_at + row * p.u_stride + d];
    ds = gated(row, d);
  }
  steps[i] = dt;
  steps[p.count + i] = x;
  steps[2u * p.count + i] = ds;
}`,
  }),
);

// Computes the gradient of the state before each chunk from g = 0 after the chunk, and the sum of its dt: one invocation per
// state number of a chunk. scanCarryShader then combines the chunks, from the last to the first. carry [chunks + 1, B, D, N]
// holds the gradient of the state after each chunk, in that order, and at the end the gradient of the initial state.
export const scanChunkGradientsShader = memoize((sequences: boolean) =>
  defineShader({
    name: scanShaderName("selectiveScanBackward chunk gradients", sequences),
    read: { steps: "f32", C: "f32", packed: "f32" },
    write: { carry: "f32", sums: "f32" },
    params: {
      batch: "u32",
      length: "u32",
      channels: "u32",
      first: "u32",
      stateSize: "u32",
      chunks: "u32",
      stateGroups: "u32",
      count: "u32",
      index_at: "u32",
    },
    code: /* wgsl */ `
${isNan}
${decay}
${scanSequences(sequences)}
fn run(group: u32, lane: u32) {
  let i = (group % p.stateGroups) * workgroupSize + lane;
  let states = p.channels * p.stateSize;
  if (i >= states) { return; }
  let c = (group / p.stateGroups) % p.chunks;
  let b = group / (p.stateGroups * p.chunks);
  let d = i / p.stateSize;
  let n = i % p.stateSize;
  let low = c * ${stateInterval}u;
  let A = packed[p.first * p.stateSize + i];
  var g = 0.0;
  var total = 0.0;
  for (var l = min(realCount(b), low + ${stateInterval}u); l > low; l--) {
    let row = rowAt(b, l - 1u);
    let at = (b * p.length + l - 1u) * p.channels + d;
    let dt = steps[at];
    g = (g + steps[2u * p.count + at] * C[p.C_at + row * p.C_stride + n]) * decay(dt * A);
    ${sequences ? "if (isFresh(b, l - 1u)) { g = 0.0; }" : ""}
    total += dt;
  }
  let behind = p.chunks - 1u - c;
  carry[((behind + 1u) * p.batch + b) * states + i] = g;
  if (n == 0u) { sums[(behind * p.batch + b) * p.channels + d] = total; }
}`,
  }),
);

// One workgroup per 64 channels of a chunk. For each n it recomputes the states of the chunk from the kept state before it, and
// goes back through them. It overwrites `steps` with v, w and s. `dBC` [channelGroups, 2, B, L, N] gets the sums of dB and dC
// over the channels of the workgroup, `dA` [B, chunks, D, N] the sums of dA over the positions of the chunk.
export const scanChunksShader = memoize((sequences: boolean) => {
  const rowOf = (l: string) => (sequences ? "rows[k]" : `(b * p.length + ${l})`);
  const isFresh = "((fresh >> k) & 1u) != 0u";
  return defineShader({
    name: scanShaderName("selectiveScanBackward chunks", sequences),
    read: { B: "f32", C: "f32", packed: "f32", states: "f32", carry: "f32" },
    write: { steps: "f32", dBC: "f32", dA: "f32" },
    params: {
      batch: "u32",
      length: "u32",
      channels: "u32",
      first: "u32",
      stateSize: "u32",
      chunks: "u32",
      channelGroups: "u32",
      count: "u32",
      index_at: "u32",
    },
    code: /* wgsl */ `
${isNan}
${decay}
${scanSequences(sequences)}
const chunk = ${stateInterval}u;
const half = ${2 * stateInterval}u * workgroupSize;
// Two halves, used in turn: the terms of one n are added while those of the next are written, so one barrier per n suffices.
var<workgroup> terms: array<f32, 2u * half>;
var<private> dt: array<f32, chunk>;
var<private> x: array<f32, chunk>;
var<private> ds: array<f32, chunk>;
var<private> v: array<f32, chunk>;
var<private> w: array<f32, chunk>;
var<private> s: array<f32, chunk>;
var<private> before: array<f32, chunk>;
var<private> shrink: array<f32, chunk>;
${sequences ? "var<private> rows: array<u32, chunk>;" : ""}
fn run(group: u32, lane: u32) {
  let channelGroup = group % p.channelGroups;
  let c = (group / p.channelGroups) % p.chunks;
  let b = group / (p.channelGroups * p.chunks);
  let d = channelGroup * workgroupSize + lane;
  let low = c * chunk;
  let high = min(realCount(b), low + chunk);
  let active_ = d < p.channels && low < high;
  let slot = p.batch * p.channels * p.stateSize;
  let sizeBC = p.batch * p.length * p.stateSize;
  let own = (b * p.channels + d) * p.stateSize;
  let carryAt = own + (p.chunks - 1u - c) * slot;
  let statesAt = p.states_at + own + c * slot;
  // Terms of padding and of channels past the last stay 0.
  for (var i = lane; i < 2u * half; i += workgroupSize) { terms[i] = 0.0; }
  ${sequences ? "var fresh = 0u; // bit k is set when a sequence starts at position k of the chunk" : ""}
  if (active_) {
    for (var l = low; l < high; l++) {
      let k = l - low;
      let at = (b * p.length + l) * p.channels + d;
      dt[k] = steps[at];
      x[k] = steps[p.count + at];
      ds[k] = steps[2u * p.count + at];${sequences ? "\n      rows[k] = rowAt(b, l);" : ""}
      ${sequences ? "if (isFresh(b, l)) { fresh |= 1u << k; }" : ""}
    }
  }
  for (var n = 0u; n < p.stateSize; n++) {
    let side = (n % 2u) * half;
    var sumA = 0.0;
    if (active_) {
      let A = packed[(p.first + d) * p.stateSize + n];
      var h = states[statesAt + n];
      for (var l = low; l < high; l++) {
        let k = l - low;
        let a = decay(dt[k] * A);
        before[k] = h;
        shrink[k] = a;
        h = a * ${sequences ? `select(h, 0.0, ${isFresh})` : "h"} + x[k] * B[p.B_at + ${rowOf("l")} * p.B_stride + n];
      }
      var g = carry[carryAt + n];
      for (var l = high; l > low; l--) {
        let k = l - 1u - low;
        let row = ${rowOf("l - 1u")};
        let coefficient = C[p.C_at + row * p.C_stride + n];
        s[k] += coefficient * h;
        terms[side + (chunk + k) * workgroupSize + lane] = ds[k] * h;
        g += ds[k] * coefficient;
        let through = g * ${sequences ? `select(before[k], 0.0, ${isFresh})` : "before[k]"} * shrink[k];
        sumA += through * dt[k];
        w[k] += through * A;
        v[k] += g * B[p.B_at + row * p.B_stride + n];
        terms[side + k * workgroupSize + lane] = g * x[k];
        ${sequences ? `g = select(g * shrink[k], 0.0, ${isFresh});` : "g *= shrink[k];"}
        h = before[k];
      }
    }
    if (d < p.channels) { dA[((b * p.chunks + c) * p.channels + d) * p.stateSize + n] = sumA; }
    workgroupBarrier();
    let l = low + lane % chunk;
    if (lane < 2u * chunk && l < p.length) {
      var sum = 0.0;
      // Each invocation starts at another term, so that neighbours read different memory banks.
      for (var i = 0u; i < workgroupSize; i++) {
        sum += terms[side + lane * workgroupSize + (i + lane) % workgroupSize];
      }
      dBC[(2u * channelGroup + lane / chunk) * sizeBC + rowAt(b, l) * p.stateSize + n] = sum;
    }
  }
  if (active_) {
    for (var l = low; l < high; l++) {
      let at = (b * p.length + l) * p.channels + d;
      steps[at] = v[l - low];
      steps[p.count + at] = w[l - low];
      steps[2u * p.count + at] = s[l - low];
    }
  }
}`,
  });
});
