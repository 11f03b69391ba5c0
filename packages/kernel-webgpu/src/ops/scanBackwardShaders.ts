import { defineShader } from "../shader.ts";
import { decay, isNan, sigmoid, siluSlope } from "../wgsl/math.ts";
import { chunkLength, gated, sliceOf, stepOf } from "../wgsl/scan.ts";
import { rowsPerBlock } from "./sumRows.ts";

// The backward of the scan in steps, over channels [first, first + channels). With g = dloss/dh[l], ds = dy silu(z) and x = dt u:
//   g[l] = ds[l] C[l] + exp(dt[l+1] A) g[l+1]                                     flows: g before each chunk, from the end
//   v = sum_n g B     w = sum_n g h[l-1] exp(dt A) A     s = sum_n C h[l]         chunks, all at once; and dA, dB, dC
//   du = ds D + dt v     ddelta = (w + u v) softplus'     dz = dy (s + D u) silu'(z)     dD = sum ds u

// steps [3, B, L, D]: dt, dt * u and ds; 0 in padding.
export const scanStepsShader = defineShader({
  name: "selectiveScanBackward steps",
  read: { u: "f32", delta: "f32", dy: "f32", z: "f32", small: "f32" },
  write: { steps: "f32" },
  params: {
    length: "u32",
    channels: "u32",
    first: "u32",
    count: "u32",
    bias_at: "u32",
    range_at: "u32",
    softplus: "u32",
  },
  code: /* wgsl */ `
${sigmoid}
${sliceOf}
${stepOf}
${gated}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let row = i / p.channels;
  let d = p.first + i % p.channels;
  var dt = 0.0;
  var x = 0.0;
  var ds = 0.0;
  if (!isPadding(row)) {
    dt = stepOf(rawStep(row, d));
    x = dt * u[p.u_at + row * p.u_stride + d];
    ds = gated(row, d);
  }
  steps[i] = dt;
  steps[p.count + i] = x;
  steps[2u * p.count + i] = ds;
}`,
});

// What each chunk sends to the ones before it, from g = 0 behind it, and the sum of its steps. flow [chunks + 1, B, D, N] has
// what flows into a chunk from behind, the last chunk's first, and the gradient of the initial state last. An invocation for
// each state of a chunk; scanCarryShader then goes from chunk to chunk.
export const scanFlowShader = defineShader({
  name: "selectiveScanBackward flow",
  read: { steps: "f32", C: "f32", small: "f32" },
  write: { flow: "f32", sums: "f32" },
  params: {
    batch: "u32",
    length: "u32",
    channels: "u32",
    first: "u32",
    stateSize: "u32",
    chunks: "u32",
    blocks: "u32",
    count: "u32",
    range_at: "u32",
  },
  code: /* wgsl */ `
${isNan}
${decay}
${sliceOf}
fn run(group: u32, lane: u32) {
  let i = (group % p.blocks) * workgroupSize + lane;
  let states = p.channels * p.stateSize;
  if (i >= states) { return; }
  let c = (group / p.blocks) % p.chunks;
  let b = group / (p.blocks * p.chunks);
  let d = i / p.stateSize;
  let n = i % p.stateSize;
  let slice = sliceOf(b);
  let low = max(slice.x, c * ${chunkLength}u);
  let A = small[p.first * p.stateSize + i];
  var g = 0.0;
  var total = 0.0;
  for (var l = min(slice.y, (c + 1u) * ${chunkLength}u); l > low; l--) {
    let row = b * p.length + l - 1u;
    let at = row * p.channels + d;
    let dt = steps[at];
    g = (g + steps[2u * p.count + at] * C[p.C_at + row * p.C_stride + n]) * decay(dt * A);
    total += dt;
  }
  let behind = p.chunks - 1u - c;
  flow[((behind + 1u) * p.batch + b) * states + i] = g;
  if (n == 0u) { sums[(behind * p.batch + b) * p.channels + d] = total; }
}`,
});

// A workgroup for 64 channels of a chunk, one state after the other: the states of the chunk again from the one kept before
// it, then back through them. v, w and s take the places of the steps. dB and dC are sums over channels: `dBC` [strips, 2,
// B, L, N] has those of the workgroup's; `dA` [B, chunks, D, N] those over the positions of the chunk.
export const scanChunksShader = defineShader({
  name: "selectiveScanBackward chunks",
  read: { B: "f32", C: "f32", small: "f32", states: "f32", flow: "f32" },
  write: { steps: "f32", dBC: "f32", dA: "f32" },
  params: {
    batch: "u32",
    length: "u32",
    channels: "u32",
    first: "u32",
    stateSize: "u32",
    chunks: "u32",
    strips: "u32",
    count: "u32",
    range_at: "u32",
  },
  code: /* wgsl */ `
${isNan}
${decay}
${sliceOf}
const chunk = ${chunkLength}u;
const half = ${2 * chunkLength}u * workgroupSize;
// Of two states in turn: while one's are added up, the next one's are written, and one barrier parts them.
var<workgroup> terms: array<f32, 2u * half>;
var<private> dt: array<f32, chunk>;
var<private> x: array<f32, chunk>;
var<private> ds: array<f32, chunk>;
var<private> v: array<f32, chunk>;
var<private> w: array<f32, chunk>;
var<private> s: array<f32, chunk>;
var<private> before: array<f32, chunk>;
var<private> shrink: array<f32, chunk>;
fn run(group: u32, lane: u32) {
  let strip = group % p.strips;
  let c = (group / p.strips) % p.chunks;
  let b = group / (p.strips * p.chunks);
  let d = strip * workgroupSize + lane;
  let slice = sliceOf(b);
  let from_ = c * chunk;
  let low = max(slice.x, from_);
  let high = min(slice.y, from_ + chunk);
  let active_ = d < p.channels && low < high;
  let slot = p.batch * p.channels * p.stateSize;
  let sizeBC = p.batch * p.length * p.stateSize;
  let own = (b * p.channels + d) * p.stateSize;
  let flowAt = own + (p.chunks - 1u - c) * slot;
  var statesAt = p.states_at + own;
  if (from_ > slice.x) { statesAt += c * slot; }
  // Places of padding and of channels past the last stay 0.
  for (var i = lane; i < 2u * half; i += workgroupSize) { terms[i] = 0.0; }
  if (active_) {
    for (var l = low; l < high; l++) {
      let at = (b * p.length + l) * p.channels + d;
      dt[l - from_] = steps[at];
      x[l - from_] = steps[p.count + at];
      ds[l - from_] = steps[2u * p.count + at];
    }
  }
  for (var n = 0u; n < p.stateSize; n++) {
    let side = (n % 2u) * half;
    var sumA = 0.0;
    if (active_) {
      let A = small[(p.first + d) * p.stateSize + n];
      var h = states[statesAt + n];
      for (var l = low; l < high; l++) {
        let k = l - from_;
        let a = decay(dt[k] * A);
        before[k] = h;
        shrink[k] = a;
        h = a * h + x[k] * B[p.B_at + (b * p.length + l) * p.B_stride + n];
      }
      var g = flow[flowAt + n];
      for (var l = high; l > low; l--) {
        let k = l - 1u - from_;
        let row = b * p.length + l - 1u;
        let coefficient = C[p.C_at + row * p.C_stride + n];
        s[k] += coefficient * h;
        terms[side + (chunk + k) * workgroupSize + lane] = ds[k] * h;
        g += ds[k] * coefficient;
        let through = g * before[k] * shrink[k];
        sumA += through * dt[k];
        w[k] += through * A;
        v[k] += g * B[p.B_at + row * p.B_stride + n];
        terms[side + k * workgroupSize + lane] = g * x[k];
        g *= shrink[k];
        h = before[k];
      }
    }
    if (d < p.channels) { dA[((b * p.chunks + c) * p.channels + d) * p.stateSize + n] = sumA; }
    workgroupBarrier();
    let l = from_ + lane % chunk;
    if (lane < 2u * chunk && l < p.length) {
      var sum = 0.0;
      // Each begins at another place: neighbours then read from different banks.
      for (var i = 0u; i < workgroupSize; i++) {
        sum += terms[side + lane * workgroupSize + (i + lane) % workgroupSize];
      }
      dBC[(2u * strip + lane / chunk) * sizeBC + (b * p.length + l) * p.stateSize + n] = sum;
    }
  }
  if (active_) {
    for (var l = low; l < high; l++) {
      let at = (b * p.length + l) * p.channels + d;
      steps[at] = v[l - from_];
      steps[p.count + at] = w[l - from_];
      steps[2u * p.count + at] = s[l - from_];
    }
  }
}`,
});

export const scanInputsShader = defineShader({
  name: "selectiveScanBackward inputs",
  read: { u: "f32", delta: "f32", dy: "f32", z: "f32", small: "f32", steps: "f32" },
  write: { du: "f32", ddelta: "f32" },
  params: {
    length: "u32",
    channels: "u32",
    first: "u32",
    count: "u32",
    skip_at: "u32",
    bias_at: "u32",
    range_at: "u32",
    softplus: "u32",
  },
  code: /* wgsl */ `
${sigmoid}
${sliceOf}
${stepOf}
${gated}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let row = i / p.channels;
  let d = p.first + i % p.channels;
  let at = row * p.du_stride + d;
  if (isPadding(row)) { du[at] = 0.0; ddelta[at] = 0.0; return; }
  let v = steps[i];
  let raw = rawStep(row, d);
  var input = stepOf(raw) * v;
  if (p.skip_at != absent) { input += gated(row, d) * small[p.skip_at + d]; }
  du[at] = input;
  // Above 20 softplus is its argument itself.
  let slope = select(1.0, sigmoid(raw), p.softplus != 0u && !(raw > 20.0));
  ddelta[at] = (steps[p.count + i] + u[p.u_at + row * p.u_stride + d] * v) * slope;
}`,
});

export const scanGateShader = defineShader({
  name: "selectiveScanBackward gate",
  read: { u: "f32", dy: "f32", z: "f32", small: "f32", steps: "f32" },
  write: { dz: "f32" },
  params: {
    length: "u32",
    channels: "u32",
    first: "u32",
    count: "u32",
    skip_at: "u32",
    range_at: "u32",
  },
  code: /* wgsl */ `
${siluSlope}
${sliceOf}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let row = i / p.channels;
  let d = p.first + i % p.channels;
  let at = row * p.dz_stride + d;
  if (isPadding(row)) { dz[at] = 0.0; return; }
  var s = steps[2u * p.count + i];
  if (p.skip_at != absent) { s += small[p.skip_at + d] * u[p.u_at + row * p.u_stride + d]; }
  dz[at] = dy[p.dy_at + row * p.dy_stride + d] * s * siluSlope(z[p.z_at + row * p.z_stride + d]);
}`,
});

// dD: the sums over blocks of positions.
export const scanSkipShader = defineShader({
  name: "selectiveScanBackward skip",
  read: { u: "f32", dy: "f32", z: "f32", small: "f32" },
  write: { sum: "f32" },
  params: { rows: "u32", length: "u32", channels: "u32", strips: "u32", range_at: "u32" },
  code: /* wgsl */ `
${sigmoid}
${sliceOf}
${gated}
fn run(group: u32, lane: u32) {
  let block = group / p.strips;
  let d = (group % p.strips) * workgroupSize + lane;
  if (d >= p.channels) { return; }
  let end = min((block + 1u) * ${rowsPerBlock}u, p.rows);
  var total = 0.0;
  for (var row = block * ${rowsPerBlock}u; row < end; row++) {
    if (!isPadding(row)) { total += gated(row, d) * u[p.u_at + row * p.u_stride + d]; }
  }
  sum[block * p.channels + d] = total;
}`,
});
