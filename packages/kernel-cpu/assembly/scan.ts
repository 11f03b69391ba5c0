import { ScanArgs } from "./args.ts";
import { siluBlock, softplusBlock } from "./blocks.ts";
import { exp2Lanes, exp2Tame, gatherLanes, loadLanes, LOG2E, madd, scatterLanes, storeLanes } from "./math.ts";
import { rangeEnd, rangeStart } from "./range.ts";

// Selective scan (Mamba paper, algorithm 2):
//
//   dt   = softplus(delta + deltaBias), or without the softplus
//   h[n] = exp(dt · A[n]) · h[n] + dt · B[n] · u
//   y    = (sum_n C[n] · h[n] + D · u) · silu(z)
//
// Four channels share a register, so B and C are one number for all lanes, sums over n need no shuffles, and any N
// works. A strip of 32 channels (two cache lines of u, delta, z and y) goes through time in chunks of 16 steps:
// first everything that is elementwise, then the recurrence with state and A in L1, then the gate. Rows are far
// apart in memory, so each pass touches them in a loop that does little else: the misses overlap.

export const STRIP: i32 = 32;
export const REGISTERS: i32 = STRIP / 4;
const CHUNK: i32 = 16;

// Scratch of a strip: dt, dt · u, y and silu(z) as [CHUNK][STRIP], then A · log2(e) and h as [REGISTERS][N][4].
const CHUNK_BYTES: usize = <usize>(CHUNK * STRIP * 4);
const DTU: usize = CHUNK_BYTES;
const Y: usize = 2 * CHUNK_BYTES;
const GATE: usize = 3 * CHUNK_BYTES;
const DECAY: usize = 4 * CHUNK_BYTES;

/** Steps from one saved state to the next: a multiple of CHUNK. */
export const SAVE_STEPS: i32 = 64;

/**
 * Where the state before step `chunk` · SAVE_STEPS of the real slice of batch row b stands: as in scratch, [N][4] for
 * each four channels from d on.
 */
@inline
export function savedState(args: ScanArgs, b: i32, chunk: i32, d: i32): usize {
  const chunks = (args.length + SAVE_STEPS - 1) / SAVE_STEPS;
  const vectors = (args.channels + 3) >> 2;
  return args.states + ((((<usize>b * chunks + chunk) * vectors + (d >> 2)) * args.stateSize) << 4);
}

/** Channels in one unit: strips with together about 20 µs of work. */
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
  return <i32>DECAY + changetype<ScanArgs>(at).stateSize * STRIP * 4 * 2;
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
  const decay = scratch + DECAY;
  const state = decay + <usize>REGISTERS * vectorBytes;
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
    if (args.states && (l - start) % SAVE_STEPS == 0) {
      const to = savedState(args, b, (l - start) / SAVE_STEPS, d);
      memory.copy(to, state, <usize>vectors * vectorBytes);
    }
    discretise(args, b, d, count, l, steps, scratch);
    const row = <usize>b * length + l;
    const B = args.B + ((row * args.bStride) << 2);
    const C = args.C + ((row * args.cStride) << 2);
    for (let v = 0; v < vectors; v++) {
      const to = <usize>v * vectorBytes;
      const from = scratch + (v << 4);
      if (tame(from, decay + to, steps, N)) recur(args, decay + to, state + to, B, C, from, steps, true);
      else recur(args, decay + to, state + to, B, C, from, steps, false);
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

/** dt and dt · u of a chunk, and silu(z). */
function discretise(args: ScanArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, scratch: usize): void {
  const row = <usize>b * args.length + l;
  const column = (<usize>d) << 2;
  stage(scratch, args.delta + ((row * args.deltaStride) << 2) + column, args.deltaStride, count, steps);
  stage(scratch + DTU, args.u + ((row * args.uStride) << 2) + column, args.uStride, count, steps);
  if (args.z) {
    stage(scratch + GATE, args.z + ((row * args.zStride) << 2) + column, args.zStride, count, steps);
    siluBlock(scratch + GATE, steps * REGISTERS);
  }
  if (args.deltaBias) {
    for (let c = 0; c < count; c += 4) {
      const bias = loadLanes(args.deltaBias + column + (c << 2), count - c);
      const from = scratch + (c << 2);
      const end = from + <usize>steps * STRIP * 4;
      for (let at = from; at < end; at += STRIP * 4) v128.store(at, f32x4.add(v128.load(at), bias));
    }
  }
  if (args.deltaSoftplus) softplusBlock(scratch, steps * REGISTERS);
  const end = scratch + <usize>steps * STRIP * 4;
  for (let at = scratch; at < end; at += 16) {
    v128.store(at, f32x4.mul(v128.load(at), v128.load(at, DTU)), DTU);
  }
}

/** Copies `count` columns of rows `stride` elements apart to [steps][STRIP]; what is behind them is not used. */
export function stage(to: usize, from: usize, stride: i32, count: i32, steps: i32): void {
  const step = (<usize>stride) << 2;
  if (count == STRIP) {
    for (let t = 0; t < steps; t++) {
      for (let i: usize = 0; i < <usize>(STRIP * 4); i += 64) {
        v128.store(to + i, v128.load(from + i));
        v128.store(to + i, v128.load(from + i, 16), 16);
        v128.store(to + i, v128.load(from + i, 32), 32);
        v128.store(to + i, v128.load(from + i, 48), 48);
      }
      to += STRIP * 4;
      from += step;
    }
    return;
  }
  for (let t = 0; t < steps; t++) {
    for (let c = 0; c < count; c += 4) v128.store(to + (c << 2), loadLanes(from + (c << 2), count - c));
    to += STRIP * 4;
    from += step;
  }
}

/** Whether every dt · A · log2(e) of the chunk is within the range of exp2Tame: max |dt| · max |A'| < 126. */
@inline
export function tame(scratch: usize, decay: usize, steps: i32, N: i32): bool {
  let dt = f32x4.splat(0);
  for (let t = 0; t < steps; t++) dt = f32x4.pmax(f32x4.abs(v128.load(scratch + <usize>t * STRIP * 4)), dt);
  let a = f32x4.splat(0);
  for (let n = 0; n < N; n++) a = f32x4.pmax(f32x4.abs(v128.load(decay + ((<usize>n) << 4))), a);
  return i32x4.all_true(f32x4.lt(f32x4.mul(dt, a), f32x4.splat(126.0)));
}

/** The recurrence of four channels over a chunk: sum_n C[n] · h[n] goes to the row of y in scratch. */
@inline
function recur(
  args: ScanArgs,
  decay: usize,
  state: usize,
  B: usize,
  C: usize,
  scratch: usize,
  steps: i32,
  tame: bool,
): void {
  const N = <usize>args.stateSize << 2;
  const whole = N & ~15;
  const bStep = (<usize>args.bStride) << 2;
  const cStep = (<usize>args.cStride) << 2;
  for (let t = 0; t < steps; t++) {
    const dt = v128.load(scratch);
    const dtu = v128.load(scratch, DTU);
    let y = f32x4.splat(0);
    let n: usize = 0;
    // Four n side by side, for the reason given in blocks.ts.
    for (; n < whole; n += 16) {
      const from = decay + (n << 2);
      const h = state + (n << 2);
      const b = B + n;
      const c = C + n;
      const a0 = power(f32x4.mul(dt, v128.load(from)), tame);
      const a1 = power(f32x4.mul(dt, v128.load(from, 16)), tame);
      const a2 = power(f32x4.mul(dt, v128.load(from, 32)), tame);
      const a3 = power(f32x4.mul(dt, v128.load(from, 48)), tame);
      const h0 = madd(a0, v128.load(h), f32x4.mul(dtu, v128.load32_splat(b)));
      const h1 = madd(a1, v128.load(h, 16), f32x4.mul(dtu, v128.load32_splat(b, 4)));
      const h2 = madd(a2, v128.load(h, 32), f32x4.mul(dtu, v128.load32_splat(b, 8)));
      const h3 = madd(a3, v128.load(h, 48), f32x4.mul(dtu, v128.load32_splat(b, 12)));
      v128.store(h, h0);
      v128.store(h, h1, 16);
      v128.store(h, h2, 32);
      v128.store(h, h3, 48);
      y = madd(h0, v128.load32_splat(c), y);
      y = madd(h1, v128.load32_splat(c, 4), y);
      y = madd(h2, v128.load32_splat(c, 8), y);
      y = madd(h3, v128.load32_splat(c, 12), y);
    }
    for (; n < N; n += 4) {
      const a = power(f32x4.mul(dt, v128.load(decay + (n << 2))), tame);
      const h = madd(a, v128.load(state + (n << 2)), f32x4.mul(dtu, v128.load32_splat(B + n)));
      v128.store(state + (n << 2), h);
      y = madd(h, v128.load32_splat(C + n), y);
    }
    v128.store(scratch, y, Y);
    B += bStep;
    C += cStep;
    scratch += STRIP * 4;
  }
}

@inline
export function power(x: v128, tame: bool): v128 {
  return tame ? exp2Tame(x) : exp2Lanes(x);
}

/** (y + D · u) · silu(z) of a chunk. */
function gate(args: ScanArgs, b: i32, d: i32, count: i32, l: i32, steps: i32, scratch: usize): void {
  const row = <usize>b * args.length + l;
  const uStep = (<usize>args.uStride) << 2;
  const yStep = (<usize>args.channels) << 2;
  for (let c = 0; c < count; c += 4) {
    const lanes = count - c;
    const D = args.D ? loadLanes(args.D + ((d + c) << 2), lanes) : f32x4.splat(0);
    let u = args.u + row * uStep + ((d + c) << 2);
    let to = args.y + row * yStep + ((d + c) << 2);
    let from = scratch + (c << 2);
    for (let t = 0; t < steps; t++) {
      let y = v128.load(from, Y);
      if (args.D) y = madd(D, loadLanes(u, lanes), y);
      if (args.z) y = f32x4.mul(y, v128.load(from, GATE));
      storeLanes(to, y, lanes);
      u += uStep;
      to += yStep;
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
