import { ScanArgs } from "./args.ts";
import {
  exp2Lanes,
  gatherLanes,
  loadLanes,
  LOG2E,
  madd,
  scatterLanes,
  siluLanes,
  softplusLanes,
  storeLanes,
} from "./math.ts";
import { rangeEnd, rangeStart } from "./range.ts";

// Selective scan (Mamba paper, algorithm 2):
//
//   dt   = softplus(delta + deltaBias), or without the softplus
//   h[n] = exp(dt · A[n]) · h[n] + dt · B[n] · u
//   y    = (sum_n C[n] · h[n] + D · u) · silu(z)
//
// Four channels share a register, so B and C are one number for all lanes, sums over n need no shuffles, and any N
// works. A strip of 16 channels (a cache line of u, delta, z and y) goes through time in chunks of 32 steps:
// first everything that is elementwise, then the recurrence with state and A in L1, then the gate.

const STRIP: i32 = 16;
const CHUNK: i32 = 32;

// Scratch of a strip: A · log2(e) and h as [4 vectors][N][4 lanes], dt, dt · u and y as [CHUNK][STRIP].
@inline
const CHUNK_BYTES: usize = <usize>(CHUNK * STRIP * 4);

/** Strips in one unit: enough work for about 10 µs. */
@inline
function unitChannels(args: ScanArgs): i32 {
  const perStrip = max(args.length * args.stateSize, 1);
  return STRIP * min(max(2048 / perStrip, 1), (args.channels + STRIP - 1) / STRIP);
}

export function selectiveScanUnits(at: usize): i32 {
  const args = changetype<ScanArgs>(at);
  const width = unitChannels(args);
  return args.batch * ((args.channels + width - 1) / width);
}

export function selectiveScanScratch(at: usize): i32 {
  return 3 * <i32>CHUNK_BYTES + changetype<ScanArgs>(at).stateSize * STRIP * 4 * 2;
}

export function selectiveScanRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<ScanArgs>(at);
  const width = unitChannels(args);
  const perRow = (args.channels + width - 1) / width;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / perRow;
    const first = (unit % perRow) * width;
    const last = min(first + width, args.channels);
    for (let d = first; d < last; d += STRIP) scanStrip(args, b, d, min(last - d, STRIP), scratch);
  }
}

/** Channels [d, d + count) of batch row b, all of time. */
function scanStrip(args: ScanArgs, b: i32, d: i32, count: i32, scratch: usize): void {
  const N = args.stateSize;
  const length = args.length;
  const start = rangeStart(args.range, b, length);
  const end = rangeEnd(args.range, b, length);
  const vectors = (count + 3) >> 2;
  const vectorBytes = (<usize>N) << 4;
  const decay = scratch + 3 * CHUNK_BYTES;
  const state = decay + 4 * vectorBytes;
  const rowBytes = (<usize>N) << 2;
  const stateAt = ((<usize>b * args.channels + d) * N) << 2;
  for (let v = 0; v < vectors; v++) {
    const lanes = count - 4 * v;
    const from = <usize>(4 * v) * rowBytes;
    for (let n = 0; n < N; n++) {
      const column = from + ((<usize>n) << 2);
      const a = gatherLanes(args.A + (<usize>d * N << 2) + column, rowBytes, lanes);
      const h = args.initialState
        ? gatherLanes(args.initialState + stateAt + column, rowBytes, lanes)
        : f32x4.splat(0);
      const to = <usize>v * vectorBytes + ((<usize>n) << 4);
      v128.store(decay + to, f32x4.mul(a, f32x4.splat(LOG2E)));
      v128.store(state + to, h);
    }
  }
  zeroRows(args, b, d, count, 0, start);
  for (let l = start; l < end; l += CHUNK) {
    const steps = min(end - l, CHUNK);
    discretise(args, b, d, count, l, steps, scratch);
    const row = <usize>b * length + l;
    const B = args.B + ((row * args.bStride) << 2);
    const C = args.C + ((row * args.cStride) << 2);
    for (let v = 0; v < vectors; v++) {
      const to = <usize>v * vectorBytes;
      recur(args, decay + to, state + to, B, C, scratch + (v << 4), steps);
    }
    gate(args, b, d, count, l, steps, scratch);
  }
  zeroRows(args, b, d, count, end, length);
  if (!args.finalState) return;
  for (let v = 0; v < vectors; v++) {
    for (let n = 0; n < N; n++) {
      const h = v128.load(state + <usize>v * vectorBytes + ((<usize>n) << 4));
      const to = args.finalState + stateAt + <usize>(4 * v) * rowBytes + ((<usize>n) << 2);
      scatterLanes(to, rowBytes, h, count - 4 * v);
    }
  }
}

/** dt and dt · u of a chunk. */
function discretise(args: ScanArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, scratch: usize): void {
  const row = <usize>b * args.length + l;
  const uStep = (<usize>args.uStride) << 2;
  const deltaStep = (<usize>args.deltaStride) << 2;
  for (let c = 0; c < count; c += 4) {
    const lanes = count - c;
    const bias = args.deltaBias ? loadLanes(args.deltaBias + ((d + c) << 2), lanes) : f32x4.splat(0);
    let u = args.u + row * uStep + ((d + c) << 2);
    let delta = args.delta + row * deltaStep + ((d + c) << 2);
    let to = scratch + (c << 2);
    for (let t = 0; t < steps; t++) {
      let dt = f32x4.add(loadLanes(delta, lanes), bias);
      if (args.deltaSoftplus) dt = softplusLanes(dt);
      v128.store(to, dt);
      v128.store(to, f32x4.mul(dt, loadLanes(u, lanes)), CHUNK_BYTES);
      u += uStep;
      delta += deltaStep;
      to += STRIP * 4;
    }
  }
}

/** The recurrence of four channels over a chunk; sum_n C[n] · h[n] replaces the row of y in scratch. */
function recur(
  args: ScanArgs,
  decay: usize,
  state: usize,
  B: usize,
  C: usize,
  scratch: usize,
  steps: i32,
): void {
  const N = <usize>args.stateSize;
  const bStep = (<usize>args.bStride) << 2;
  const cStep = (<usize>args.cStride) << 2;
  for (let t = 0; t < steps; t++) {
    const dt = v128.load(scratch);
    const dtu = v128.load(scratch, CHUNK_BYTES);
    let y = f32x4.splat(0);
    for (let n: usize = 0; n < N; n++) {
      const a = exp2Lanes(f32x4.mul(dt, v128.load(decay + (n << 4))));
      const input = f32x4.mul(dtu, v128.load32_splat(B + (n << 2)));
      const h = madd(a, v128.load(state + (n << 4)), input);
      v128.store(state + (n << 4), h);
      y = madd(h, v128.load32_splat(C + (n << 2)), y);
    }
    v128.store(scratch, y, 2 * CHUNK_BYTES);
    B += bStep;
    C += cStep;
    scratch += STRIP * 4;
  }
}

/** (y + D · u) · silu(z) of a chunk. */
function gate(args: ScanArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, scratch: usize): void {
  const row = <usize>b * args.length + l;
  for (let c = 0; c < count; c += 4) {
    const lanes = count - c;
    const D = args.D ? loadLanes(args.D + ((d + c) << 2), lanes) : f32x4.splat(0);
    let u = args.u + ((row * args.uStride + d + c) << 2);
    let z = args.z + ((row * args.zStride + d + c) << 2);
    let to = args.y + ((row * args.channels + d + c) << 2);
    let from = scratch + 2 * CHUNK_BYTES + (c << 2);
    for (let t = 0; t < steps; t++) {
      let y = v128.load(from);
      if (args.D) y = madd(D, loadLanes(u, lanes), y);
      if (args.z) y = f32x4.mul(y, siluLanes(loadLanes(z, lanes)));
      storeLanes(to, y, lanes);
      u += (<usize>args.uStride) << 2;
      z += (<usize>args.zStride) << 2;
      to += (<usize>args.channels) << 2;
      from += STRIP * 4;
    }
  }
}

/** y = 0 at the padded steps [from, to). */
function zeroRows(args: ScanArgs, b: i32, d: i32, count: i32, from: i32, to: i32): void {
  for (let l = from; l < to; l++) {
    const row = <usize>b * args.length + l;
    memory.fill(args.y + ((row * args.channels + d) << 2), 0, (<usize>count) << 2);
  }
}
