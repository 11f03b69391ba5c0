import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";
import { idAt, idsOfRow, runEnd } from "./sequences.ts";
import {
  expNumbers,
  gatherColumn,
  SAVED_STEPS,
  savedState,
  SsdInputs,
  stateOffset,
  unitHeads,
  unitsOfGroup,
} from "./ssdInputs.ts";
import { advance, packState, TILE_BYTES, tiles, unpackState, zipRows } from "./ssdTiles.ts";

// Scan of Mamba-2 (Dao & Gu 2024); ssdInputs.ts has the formula.
//
// A unit goes through time in chunks of at most 64 positions. In each, register tiles of the state (ssdTiles.ts) go through all positions.
// The state is updated position by position, with the additions of ssdStateUpdate in the same order, so that a sequence has the same bits
// whatever the chunks in which it is computed, one token at a time included. Products of matrices, as in the backward, take 2.3 multiply-adds
// for each number of the state and position instead of two and a multiplication, and exponentials and copies beside them. At the rate of
// the products in smallProduct.ts (30 GFLOP/s) that is the same time, and the bits would depend on the chunks.
//
// With sequenceIds, S starts from zeros at the first position of a sequence, and time chunks end where the numbers change. S does not
// change at padding.

/** Bytes of B and C in a time chunk: they fit L1 together with the rest. */
const CHUNK_BYTES: i32 = 16384;
const MOST_STEPS: i32 = 64;

@unmanaged
export class SsdScanArgs extends SsdInputs {
  y!: Pointer; // f32 [batch, length, heads · headDim]
  finalState!: OptionalPointer; // f32 [batch, heads, headDim, stateSize]; may be initialState
}

/** Positions of a time chunk. */
@inline
function chunkSteps(args: SsdScanArgs): i32 {
  return min(CHUNK_BYTES / (<i32>TILE_BYTES * tiles(args.stateSize)), MOST_STEPS);
}

/** Pairs of rows of the state of a head: an even number, so that four columns of x belong to two of them. */
@inline
function pairs(args: SsdInputs): i32 {
  return ((args.headDim + 3) >> 2) << 1;
}

/** Bytes of the state of a head in scratch. */
@inline
function stateBytes(args: SsdInputs): usize {
  return <usize>(pairs(args) * tiles(args.stateSize)) * TILE_BYTES;
}

export function ssdScanUnits(args: SsdScanArgs): i32 {
  return args.batch * args.groups * unitsOfGroup(args);
}

// Scratch: B and C as [tiles][steps][16]; exp(logDecay) and two columns of weight · x as [pairs][steps][4]; y as [steps][2 · pairs]; the
// lanes of two columns of y as [steps][2][4]; exp(logDecay) and weight as [steps]; and the states as [heads][pairs][tiles][16].
export function ssdScanScratch(args: SsdScanArgs): i32 {
  const perStep = (<i32>TILE_BYTES >> 2) * tiles(args.stateSize) + 6 * pairs(args) + 10;
  return ((chunkSteps(args) * perStep) << 2) + unitHeads(args) * <i32>stateBytes(args);
}

export function ssdScanRun(args: SsdScanArgs, begin: i32, end: i32, scratch: usize): void {
  const perGroup = unitsOfGroup(args);
  const width = unitHeads(args);
  const groupHeads = args.heads / args.groups;
  for (let unit = begin; unit < end; unit++) {
    const group = (unit / perGroup) % args.groups;
    const first = (unit % perGroup) * width;
    const count = min(groupHeads - first, width);
    scanHeads(args, unit / perGroup / args.groups, group, group * groupHeads + first, count, scratch);
  }
}

/** Computes heads [h, h + count) of a group of batch row b at all positions. */
function scanHeads(args: SsdScanArgs, b: i32, group: i32, h: i32, count: i32, scratch: usize): void {
  const P = args.headDim;
  const N = args.stateSize;
  const length = args.length;
  const most = chunkSteps(args);
  const ids = idsOfRow(args.sequenceIds, b, length);
  const rest = scratch + <usize>(most * tiles(N)) * TILE_BYTES;
  const states = rest + ((<usize>most * (6 * pairs(args) + 10)) << 2);
  const bytes = stateBytes(args);
  memory.fill(states, 0, <usize>count * bytes);
  if (args.initialState) {
    for (let i = 0; i < count; i++) {
      packState(states + <usize>i * bytes, args.initialState + stateOffset(args, b, h + i), P, N);
    }
  }
  // The number of the last real position, -1 before the first.
  let sequence = -1;
  let saved = 0;
  for (let l = 0, end = 0, steps = 0; l < length; l += steps) {
    if (l == end) {
      end = runEnd(ids, l, length);
      const id = idAt(ids, l);
      if (id < 0) {
        zeroRows(args, b, h, count, l, end);
        steps = end - l;
        continue;
      }
      if (sequence >= 0 && id != sequence) memory.fill(states, 0, <usize>count * bytes);
      sequence = id;
    }
    steps = min(end - l, most);
    if (args.states) {
      // The backward reads the state of a chunk that has a real position of the sequence before it.
      for (; saved * SAVED_STEPS <= l; saved++) {
        for (let i = 0; i < count; i++) {
          unpackState(savedState(args, b, saved, h + i), states + <usize>i * bytes, P, N);
        }
      }
      steps = min(steps, saved * SAVED_STEPS - l);
    }
    const row = <usize>b * length + l;
    const column = (<usize>group * N) << 2;
    const B = args.B + ((row * args.bStride) << 2) + column;
    const C = args.C + ((row * args.cStride) << 2) + column;
    zipRows(scratch, B, (<usize>args.bStride) << 2, C, (<usize>args.cStride) << 2, steps, N);
    for (let i = 0; i < count; i++) {
      scanChunk(args, row, h + i, steps, scratch, states + <usize>i * bytes, rest);
    }
  }
  if (!args.finalState) return;
  for (let i = 0; i < count; i++) {
    unpackState(args.finalState + stateOffset(args, b, h + i), states + <usize>i * bytes, P, N);
  }
}

/** Computes head h at `steps` positions from `row` on. `vectors` has B and C. */
function scanChunk(
  args: SsdScanArgs,
  row: usize,
  h: i32,
  steps: i32,
  vectors: usize,
  state: usize,
  scratch: usize,
): void {
  const P = args.headDim;
  const N = args.stateSize;
  const most = <usize>chunkSteps(args);
  const width = (<usize>pairs(args)) << 3;
  const inputs = scratch;
  const outputs = inputs + most * (width << 1);
  const sums = outputs + most * width;
  const decays = sums + (most << 5);
  const weights = decays + (most << 2);
  const head = (<usize>h) << 2;
  gatherColumn(decays, args.logDecay + ((row * args.logDecayStride) << 2) + head, args.logDecayStride, steps);
  gatherColumn(weights, args.weight + ((row * args.weightStride) << 2) + head, args.weightStride, steps);
  expNumbers(decays, steps);
  const column = (<usize>h * P) << 2;
  const xStep = (<usize>args.xStride) << 2;
  const x = args.x + row * xStep + column;
  const pairBytes = (<usize>steps) << 4;
  for (let t: usize = 0; t < <usize>steps; t++) {
    const decay = v128.load32_splat(decays + (t << 2));
    const weight = v128.load32_splat(weights + (t << 2));
    const from = x + t * xStep;
    let to = inputs + (t << 4);
    for (let p = 0; p < P; p += 4) {
      const input = f32x4.mul(loadLanes(from + ((<usize>p) << 2), P - p), weight);
      v128.store(to, v128.shuffle<f32>(decay, input, 0, 4, 5, 0));
      v128.store(to + pairBytes, v128.shuffle<f32>(decay, input, 0, 6, 7, 0));
      to += pairBytes << 1;
    }
  }
  const rowBytes = <usize>tiles(N) * TILE_BYTES;
  for (let pair: usize = 0; pair < <usize>pairs(args); pair++) {
    memory.fill(sums, 0, (<usize>steps) << 5);
    advance(state + pair * rowBytes, vectors, inputs + pair * pairBytes, sums, steps, N);
    sumPairs(outputs + (pair << 3), width, sums, steps);
  }
  const yStep = (<usize>args.heads * P) << 2;
  const D = args.D ? v128.load32_splat(args.D + head) : f32x4.splat(0);
  let to = args.y + row * yStep + column;
  for (let t: usize = 0; t < <usize>steps; t++) {
    const y = outputs + t * width;
    const from = x + t * xStep;
    for (let p = 0; p < P; p += 4) {
      const at = (<usize>p) << 2;
      let value = v128.load(y + at);
      if (args.D) value = madd(D, loadLanes(from + at, P - p), value);
      storeLanes(to + at, value, P - p);
    }
    to += yStep;
  }
}

/** Writes the sums of the lanes of two columns of y. */
function sumPairs(to: usize, step: usize, sums: usize, steps: i32): void {
  for (let t = 0; t < steps; t++) {
    const p = v128.load(sums);
    const q = v128.load(sums, 16);
    const pairs = f32x4.add(v128.shuffle<f32>(p, q, 0, 2, 4, 6), v128.shuffle<f32>(p, q, 1, 3, 5, 7));
    const total = f32x4.add(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
    store<f32>(to, f32x4.extract_lane(total, 0));
    store<f32>(to, f32x4.extract_lane(total, 2), 4);
    to += step;
    sums += 32;
  }
}

/** Writes y = 0 at the padded positions [from, to). */
function zeroRows(args: SsdScanArgs, b: i32, h: i32, count: i32, from: i32, to: i32): void {
  const width = <usize>args.heads * args.headDim;
  for (let l = from; l < to; l++) {
    const row = <usize>b * args.length + l;
    memory.fill(args.y + ((row * width + <usize>h * args.headDim) << 2), 0, (<usize>count * args.headDim) << 2);
  }
}
