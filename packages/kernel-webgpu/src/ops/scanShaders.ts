import { defineShader } from "../shader.ts";
import { decay, isNan, sigmoid } from "../wgsl/math.ts";
import { lazily } from "../wgsl/product.ts";
import { sliceOf, stepOf } from "../wgsl/scan.ts";
import { stateOf } from "../wgsl/state.ts";

// The scan, dt = softplus(delta + deltaBias), h = exp(dt * A) * h + dt * B * u, y = (C · h + D * u) * silu(z): an invocation
// walks along a span of one channel with its state in registers. `small` holds A, D, deltaBias and range.
//
// Where there are many spans, what flows into each is found first. From h[0] to h[l] the recurrence is
//   h[l] = exp(A * (dt[1] + ... + dt[l])) * h[0] + what a scan from 0 comes to,
// so that the spans scan from 0 at once, and a walk over the spans puts the ends together. Nothing is divided by a decay, and
// with A < 0 nothing overflows.

const params = {
  batch: "u32",
  length: "u32",
  /** Channels of the piece, from `first`. */
  channels: "u32",
  first: "u32",
  blocks: "u32",
  /** Positions to a span, spans, and slots of `state` from one span to the next. */
  span: "u32",
  spans: "u32",
  slots: "u32",
  bias_at: "u32",
  range_at: "u32",
  softplus: "u32",
} as const;

// state [slots, B, D, N]: the state before each span, of which the first is there. Inside of a span the states before
// multiples of `every` positions are put into their slots, and the last of all into slot `last`.
export const selectiveScanShader = lazily((stateSize: number) =>
  defineShader({
    name: `selectiveScan N${stateSize}`,
    read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", small: "f32" },
    write: { state: "f32", y: "f32" },
    params: { ...params, skip_at: "u32", initial: "u32", every: "u32", last: "u32" },
    code: /* wgsl */ `
${sigmoid}
${sliceOf}
${stepOf}
${stateOf(stateSize)}
fn clear(b: u32, d: u32, low: u32, high: u32) {
  for (var l = low; l < high; l++) { y[(b * p.length + l) * p.y_stride + d] = 0.0; }
}
fn run(group: u32, lane: u32) {
  let local = (group % p.blocks) * workgroupSize + lane;
  if (local >= p.channels) { return; }
  let s = (group / p.blocks) % p.spans;
  let b = group / (p.blocks * p.spans);
  let d = p.first + local;
  let slice = sliceOf(b);
  let begin = s * p.span;
  let end = min(begin + p.span, p.length);
  let low = clamp(slice.x, begin, end);
  let high = clamp(slice.y, low, end);
  let own = p.state_at + (b * p.channels + local) * stateSize;
  let slot = p.batch * p.channels * stateSize;
  var skip = 0.0;
  if (p.skip_at != absent) { skip = small[p.skip_at + d]; }
  loadA(d * stateSize);
  if (p.initial != 0u) { loadState(own + s * p.slots * slot); }
  clear(b, d, begin, low);
  var keep = low / p.every + 1u;
  for (var l = low; l < high; l++) {
    if (l == keep * p.every) {
      storeState(own + keep * slot);
      keep++;
    }
    let row = b * p.length + l;
    let x = u[p.u_at + row * p.u_stride + d];
    let dt = stepOf(rawStep(row, d));
    var sum = step(dt, dt * x, p.B_at + row * p.B_stride, p.C_at + row * p.C_stride);
    if (p.skip_at != absent) { sum += skip * x; }
    if (p.z_stride != 0u) {
      let gate = z[p.z_at + row * p.z_stride + d];
      sum *= gate * sigmoid(gate);
    }
    y[row * p.y_stride + d] = sum;
  }
  clear(b, d, high, end);
  if (p.last != absent && s == p.spans - 1u) { storeState(own + p.last * slot); }
}`,
  }),
);

// All spans but the last from a state of 0: where each ends, into the slot of the next, and the sum of its steps.
export const scanSpansShader = lazily((stateSize: number) =>
  defineShader({
    name: `selectiveScan spans N${stateSize}`,
    read: { u: "f32", delta: "f32", B: "f32", small: "f32" },
    write: { state: "f32", sums: "f32" },
    params,
    code: /* wgsl */ `
${sliceOf}
${stepOf}
${stateOf(stateSize, false)}
fn run(group: u32, lane: u32) {
  let local = (group % p.blocks) * workgroupSize + lane;
  if (local >= p.channels) { return; }
  let s = (group / p.blocks) % (p.spans - 1u);
  let b = group / (p.blocks * (p.spans - 1u));
  let d = p.first + local;
  let slice = sliceOf(b);
  let low = max(slice.x, s * p.span);
  let high = min(slice.y, (s + 1u) * p.span);
  loadA(d * stateSize);
  var total = 0.0;
  for (var l = low; l < high; l++) {
    let row = b * p.length + l;
    let dt = stepOf(rawStep(row, d));
    total += dt;
    advance(dt, dt * u[p.u_at + row * p.u_stride + d], p.B_at + row * p.B_stride);
  }
  sums[(s * p.batch + b) * p.channels + local] = total;
  let slot = p.batch * p.channels * stateSize;
  storeState(p.state_at + (s + 1u) * p.slots * slot + (b * p.channels + local) * stateSize);
}`,
  }),
);

// From span to span, an invocation for each state: slots 1 to `count` have what their spans come to from 0, sums [count, B, D]
// the steps in them, and slot 0 what flows into the first. Backwards the spans are counted from the end.
export const scanCarryShader = defineShader({
  name: "selectiveScan carry",
  read: { small: "f32", sums: "f32" },
  write: { state: "f32" },
  params: {
    batch: "u32",
    length: "u32",
    channels: "u32",
    first: "u32",
    stateSize: "u32",
    blocks: "u32",
    span: "u32",
    spans: "u32",
    slots: "u32",
    count: "u32",
    backwards: "u32",
    range_at: "u32",
  },
  code: /* wgsl */ `
${isNan}
${decay}
${sliceOf}
fn run(group: u32, lane: u32) {
  let b = group / p.blocks;
  let i = (group % p.blocks) * workgroupSize + lane;
  let states = p.channels * p.stateSize;
  if (i >= states) { return; }
  let slice = sliceOf(b);
  let A = small[p.first * p.stateSize + i];
  var at = p.state_at + b * states + i;
  var flow = state[at];
  for (var k = 0u; k < p.count; k++) {
    at += p.slots * p.batch * states;
    let begin = select(k, p.spans - 1u - k, p.backwards != 0u) * p.span;
    // Padding has no step, not even one of size 0.
    if (max(begin, slice.x) < min(begin + p.span, slice.y)) {
      let x = A * sums[(k * p.batch + b) * p.channels + i / p.stateSize];
      // Where all steps together decay to 0, one by one they still leave infinity as it is.
      let infinite = (bitcast<u32>(flow) & 0x7fffffffu) == 0x7f800000u && !isNan(x);
      flow = select(decay(x) * flow, flow, infinite) + state[at];
    }
    state[at] = flow;
  }
}`,
});
