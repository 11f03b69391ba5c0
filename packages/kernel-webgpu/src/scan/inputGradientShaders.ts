import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { rowsPerChunk } from "../shared/addRows.ts";
import { sigmoid, siluDerivative } from "../wgsl/math.ts";
import { gated, scanSequences, scanShaderName, stepSize } from "./wgsl.ts";

// The last shaders of selectiveScanBackward: gradients from the v, w and s of backwardShaders.ts, and the terms of dD.

// du = ds D + dt v and ddelta = (w + u v) softplus'(delta + deltaBias)
export const scanInputsShader = memoize((sequences: boolean) =>
  defineShader({
    name: scanShaderName("selectiveScanBackward inputs", sequences),
    read: { u: "f32", delta: "f32", dy: "f32", z: "f32", packed: "f32", steps: "f32" },
    write: { du: "f32", ddelta: "f32" },
    params: {
      length: "u32",
      channels: "u32",
      first: "u32",
      count: "u32",
      skip_at: "u32",
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
  let at = row * p.du_stride + d;
  if (isPadding(place)) { du[at] = 0.0; ddelta[at] = 0.0; return; }
  let v = steps[i];
  let raw = rawDelta(row, d);
  var input = stepSize(raw) * v;
  if (p.skip_at != absent) { input += gated(row, d) * packed[p.skip_at + d]; }
  du[at] = input;
  // softplus(x) = x for x > 20.
  let slope = select(1.0, sigmoid(raw), p.softplus != 0u && !(raw > 20.0));
  ddelta[at] = (steps[p.count + i] + u[p.u_at + row * p.u_stride + d] * v) * slope;
}`,
  }),
);

// dz = dy (s + D u) silu'(z)
export const scanGateShader = memoize((sequences: boolean) =>
  defineShader({
    name: scanShaderName("selectiveScanBackward gate", sequences),
    read: { u: "f32", dy: "f32", z: "f32", packed: "f32", steps: "f32" },
    write: { dz: "f32" },
    params: {
      length: "u32",
      channels: "u32",
      first: "u32",
      count: "u32",
      skip_at: "u32",
      index_at: "u32",
    },
    code: /* wgsl */ `
${siluDerivative}
${scanSequences(sequences)}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let place = i / p.channels;
  let row = rowOf(place);
  let d = p.first + i % p.channels;
  let at = row * p.dz_stride + d;
  if (isPadding(place)) { dz[at] = 0.0; return; }
  var s = steps[2u * p.count + i];
  if (p.skip_at != absent) { s += packed[p.skip_at + d] * u[p.u_at + row * p.u_stride + d]; }
  dz[at] = dy[p.dy_at + row * p.dy_stride + d] * s * siluDerivative(z[p.z_at + row * p.z_stride + d]);
}`,
  }),
);

// The terms of dD: one row of sums per chunk of rowsPerChunk positions.
export const scanSkipShader = memoize((sequences: boolean) =>
  defineShader({
    name: scanShaderName("selectiveScanBackward skip", sequences),
    read: { u: "f32", dy: "f32", z: "f32", packed: "f32" },
    write: { sum: "f32" },
    params: { rows: "u32", length: "u32", channels: "u32", channelGroups: "u32", index_at: "u32" },
    code: /* wgsl */ `
${sigmoid}
${scanSequences(sequences)}
${gated}
fn run(group: u32, lane: u32) {
  let chunk = group / p.channelGroups;
  let d = (group % p.channelGroups) * workgroupSize + lane;
  if (d >= p.channels) { return; }
  let end = min((chunk + 1u) * ${rowsPerChunk}u, p.rows);
  var total = 0.0;
  for (var place = chunk * ${rowsPerChunk}u; place < end; place++) {
    if (isPadding(place)) { continue; }
    let row = rowOf(place);
    total += gated(row, d) * u[p.u_at + row * p.u_stride + d];
  }
  sum[chunk * p.channels + d] = total;
}`,
  }),
);
