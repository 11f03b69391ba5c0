import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { decay, isNan, sigmoid } from "../wgsl/math.ts";
import { stateOf } from "./stateWgsl.ts";
import { scanSequences, scanShaderName, stepSize } from "./wgsl.ts";

// The scan: dt = softplus(delta + deltaBias), h = exp(dt * A) * h + dt * B * u, y = (C · h + D * u) * silu(z). One invocation
// scans a chunk of positions of one channel, with its state in registers. Where a sequence other than the first of the row starts, h[l-1] is 0.
//
// With several chunks, the state before each chunk is computed first. Over the positions of a chunk the recurrence gives
//   h[l] = exp(A * (dt[1] + ... + dt[l])) * h[0] + (the result of a scan from 0),
// so all chunks are scanned from 0 in parallel, and the carry shader combines their ends one by one. It never divides by a
// decay, and with A < 0 nothing overflows. A chunk in which a sequence starts has a factor of 0 for h[0].

const params = {
  batch: "u32",
  length: "u32",
  /** Channels [first, first + channels) are scanned. */
  channels: "u32",
  first: "u32",
  /** Workgroups that cover the channels. */
  channelGroups: "u32",
  /** Positions per chunk. */
  chunkLength: "u32",
  chunks: "u32",
  /** Slots of `state` per chunk. */
  slots: "u32",
  bias_at: "u32",
  index_at: "u32",
  softplus: "u32",
} as const;

// state [slots, B, D, N] holds the state before each chunk. The shader stores the states at multiples of `interval` positions
// inside the chunk in the slots that follow, and the final state in slot `finalSlot`.
export const selectiveScanShader = memoize((stateSize: number, sequences: boolean) =>
  defineShader({
    name: scanShaderName(`selectiveScan N${stateSize}`, sequences),
    read: { u: "f32", delta: "f32", B: "f32", C: "f32", z: "f32", packed: "f32" },
    write: { state: "f32", y: "f32" },
    params: { ...params, skip_at: "u32", initial: "u32", interval: "u32", finalSlot: "u32" },
    code: /* wgsl */ `
${sigmoid}
${scanSequences(sequences)}
${stepSize}
${stateOf(stateSize)}
fn clear(b: u32, d: u32, low: u32, high: u32) {
  for (var l = low; l < high; l++) { y[rowAt(b, l) * p.y_stride + d] = 0.0; }
}
fn run(group: u32, lane: u32) {
  let local = (group % p.channelGroups) * workgroupSize + lane;
  if (local >= p.channels) { return; }
  let s = (group / p.channelGroups) % p.chunks;
  let b = group / (p.channelGroups * p.chunks);
  let d = p.first + local;
  let low = s * p.chunkLength;
  let end = min(low + p.chunkLength, p.length);
  let high = clamp(realCount(b), low, end);
  let own = p.state_at + (b * p.channels + local) * stateSize;
  let slot = p.batch * p.channels * stateSize;
  var skip = 0.0;
  if (p.skip_at != absent) { skip = packed[p.skip_at + d]; }
  loadA(d * stateSize);
  if (p.initial != 0u) { loadState(own + s * p.slots * slot); }
  var nextSlot = low / p.interval + 1u;
  for (var l = low; l < high; l++) {
    if (l == nextSlot * p.interval) {
      storeState(own + nextSlot * slot);
      nextSlot++;
    }
    let row = rowAt(b, l);
    let x = u[p.u_at + row * p.u_stride + d];
    let dt = stepSize(rawDelta(row, d));
    ${sequences ? "if (isFresh(b, l)) { clearState(); }" : ""}
    var sum = step(dt, dt * x, p.B_at + row * p.B_stride, p.C_at + row * p.C_stride);
    if (p.skip_at != absent) { sum += skip * x; }
    if (p.z_stride != 0u) {
      let gate = z[p.z_at + row * p.z_stride + d];
      sum *= gate * sigmoid(gate);
    }
    y[row * p.y_stride + d] = sum;
  }
  clear(b, d, high, end);
  if (p.finalSlot != absent && s == p.chunks - 1u) { storeState(own + p.finalSlot * slot); }
}`,
  }),
);

// Scans all chunks but the last from a state of 0. Stores the end of each in the slot of the next, and the sum of its dt.
export const scanChunkEndsShader = memoize((stateSize: number, sequences: boolean) =>
  defineShader({
    name: scanShaderName(`selectiveScan chunk ends N${stateSize}`, sequences),
    read: { u: "f32", delta: "f32", B: "f32", packed: "f32" },
    write: { state: "f32", sums: "f32" },
    params,
    code: /* wgsl */ `
${scanSequences(sequences)}
${stepSize}
${stateOf(stateSize, false)}
fn run(group: u32, lane: u32) {
  let local = (group % p.channelGroups) * workgroupSize + lane;
  if (local >= p.channels) { return; }
  let s = (group / p.channelGroups) % (p.chunks - 1u);
  let b = group / (p.channelGroups * (p.chunks - 1u));
  let d = p.first + local;
  let low = s * p.chunkLength;
  let high = min(realCount(b), low + p.chunkLength);
  loadA(d * stateSize);
  var total = 0.0;
  for (var l = low; l < high; l++) {
    let row = rowAt(b, l);
    let dt = stepSize(rawDelta(row, d));
    ${sequences ? "if (isFresh(b, l)) { clearState(); }" : ""}
    total += dt;
    advance(dt, dt * u[p.u_at + row * p.u_stride + d], p.B_at + row * p.B_stride);
  }
  sums[(s * p.batch + b) * p.channels + local] = total;
  let slot = p.batch * p.channels * stateSize;
  storeState(p.state_at + (s + 1u) * p.slots * slot + (b * p.channels + local) * stateSize);
}`,
  }),
);

// Combines the chunks in order, one invocation per state number. At first slots 1 to `count` hold the ends of the scans from
// 0, sums [count, B, D] the sums of dt, and slot 0 the state before the first chunk. With `backwards` the chunks count from the
// end, and the carried value is the gradient of the state. Neither crosses the start of a sequence other than the first.
export const scanCarryShader = memoize((sequences: boolean) =>
  defineShader({
    name: scanShaderName("selectiveScan carry", sequences),
    read: { packed: "f32", sums: "f32" },
    write: { state: "f32" },
    params: {
      batch: "u32",
      length: "u32",
      channels: "u32",
      first: "u32",
      stateSize: "u32",
      stateGroups: "u32",
      chunkLength: "u32",
      chunks: "u32",
      slots: "u32",
      count: "u32",
      backwards: "u32",
      index_at: "u32",
    },
    code: /* wgsl */ `
${isNan}
${decay}
${scanSequences(sequences)}
fn run(group: u32, lane: u32) {
  let b = group / p.stateGroups;
  let i = (group % p.stateGroups) * workgroupSize + lane;
  let states = p.channels * p.stateSize;
  if (i >= states) { return; }
  let count = realCount(b);
  let A = packed[p.first * p.stateSize + i];
  var at = p.state_at + b * states + i;
  var carry = state[at];
  for (var k = 0u; k < p.count; k++) {
    at += p.slots * p.batch * states;
    let low = select(k, p.chunks - 1u - k, p.backwards != 0u) * p.chunkLength;
    let high = min(low + p.chunkLength, count);
    // A chunk of padding leaves the carry unchanged, without a multiplication by exp(0 * A), which is NaN for infinite A.
    ${sequences ? "if (low < high && freshIn(b, low, high)) { carry = state[at]; } else" : ""}
    if (low < high) {
      let x = A * sums[(k * p.batch + b) * p.channels + i / p.stateSize];
      // Each single step leaves an infinite state infinite, even when the decay over all steps together is 0.
      let infinite = (bitcast<u32>(carry) & 0x7fffffffu) == 0x7f800000u && !isNan(x);
      carry = select(decay(x) * carry, carry, infinite) + state[at];
    }
    state[at] = carry;
  }
}`,
  }),
);
