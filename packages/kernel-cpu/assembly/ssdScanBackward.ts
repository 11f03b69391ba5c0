import { OptionalPointer, Pointer } from "./records.ts";
import { idAt, idsOfRow, lastReal, runEnd } from "./sequences.ts";
import { backwardHead, beginChunk, endChunk, padMatrix, unpadMatrix } from "./ssdBackwardChunk.ts";
import { layOut, SsdWork, workBytes } from "./ssdBackwardWork.ts";
import { SAVED_STEPS, SsdInputs, stateOffset } from "./ssdInputs.ts";

// Backward of ssdScan as matrix products (Dao & Gu 2024, section 6). The forward saved S every SAVED_STEPS positions. Chunks go by from the
// last to the first. cs[i] is the sum of logDecay up to position i of the chunk, S the state before it, G the gradient of the state after
// it, o = dy, and for j <= i
//
//   CB[i,j] = C[i] · B[j]      M[i,j] = exp(cs[i] - cs[j]) CB[i,j]      dCB[i,j] = exp(cs[i] - cs[j]) weight[j] (o[i] · x[j])
//
//   v[j]   = sum_i M[i,j] o[i] + exp(cs[last] - cs[j]) G B[j]      dx[j] = weight[j] v[j] + D o[j]      dWeight[j] = x[j] · v[j]
//   dC[i]  = sum_heads exp(cs[i]) o[i] S + sum_j dCB[i,j] B[j]
//   dB[j]  = sum_heads exp(cs[last] - cs[j]) weight[j] x[j] G + sum_i dCB[i,j] C[i]
//   G of the chunk before = exp(cs[last]) G + sum_i exp(cs[i]) o[i] ⊗ C[i]
//   dLogDecay[t] = exp(cs[last]) <G, S> + sum_{i >= t} exp(cs[i]) o[i] · S C[i]
//                  + sum_{j < t} exp(cs[last] - cs[j]) weight[j] x[j] · G B[j] + sum_{j < t <= i} dCB[i,j] CB[i,j]
//
// Every term of dLogDecay is added where it belongs: differences of cumulative sums would cancel.
//
// With sequenceIds, the positions of one sequence within a chunk are computed together, padding between them left out. A sequence that
// starts in the chunk starts from S = 0, and ends there with G = 0.
//
// A unit is a number of heads of one group of one batch row. dB and dC are sums over heads, for which each unit of a group has its own
// partial sums; dD is a sum over the batch, with partial sums for each batch row. The host adds them up in the order of the units.

@unmanaged
export class SsdScanBackwardArgs extends SsdInputs {
  dy!: Pointer; // f32 [batch, length, heads · headDim]
  dyStride!: i32;
  dFinalState!: OptionalPointer; // f32 [batch, heads, headDim, stateSize]
  unitHeads!: i32; // heads of a unit, at most those of a group
  dx!: Pointer; // f32 [batch, length, heads · headDim]
  dB!: Pointer; // f32 [units of a group, batch, length, groups · stateSize]: partial sums
  dC!: Pointer; // f32 [units of a group, batch, length, groups · stateSize]: partial sums
  dLogDecay!: Pointer; // f32 [batch, length, heads]
  dWeight!: Pointer; // f32 [batch, length, heads]
  dD!: OptionalPointer; // f32 [batch, heads]: partial sums
  dInitialState!: OptionalPointer; // f32 [batch, heads, headDim, stateSize]
}

@inline
function unitsPerGroup(args: SsdScanBackwardArgs): i32 {
  return (args.heads / args.groups + args.unitHeads - 1) / args.unitHeads;
}

export function ssdScanBackwardUnits(args: SsdScanBackwardArgs): i32 {
  return args.batch * args.groups * unitsPerGroup(args);
}

export function ssdScanBackwardScratch(args: SsdScanBackwardArgs): i32 {
  return workBytes(args.headDim, args.stateSize, args.unitHeads);
}

export function ssdScanBackwardRun(args: SsdScanBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const work = changetype<SsdWork>(scratch);
  layOut(work, args.headDim, args.stateSize);
  const perGroup = unitsPerGroup(args);
  const groupHeads = args.heads / args.groups;
  for (let unit = begin; unit < end; unit++) {
    const index = unit % perGroup;
    const group = (unit / perGroup) % args.groups;
    const first = index * args.unitHeads;
    const count = min(groupHeads - first, args.unitHeads);
    backwardHeads(args, work, unit / perGroup / args.groups, group, index, group * groupHeads + first, count);
  }
}

/** Computes heads [h, h + count), which are unit `index` of a group of batch row b. */
function backwardHeads(
  args: SsdScanBackwardArgs,
  work: SsdWork,
  b: i32,
  group: i32,
  index: i32,
  h: i32,
  count: i32,
): void {
  const P = args.headDim;
  const N = args.stateSize;
  const length = args.length;
  const ids = idsOfRow(args.sequenceIds, b, length);
  const width = <usize>args.groups * N;
  const sums = ((<usize>(index * args.batch + b) * length * width + <usize>group * N) << 2);
  for (let i = 0; i < count; i++) {
    const carry = work.carries + <usize>i * work.stateBytes;
    memory.fill(carry, 0, work.stateBytes);
    if (args.dFinalState) padMatrix(carry, work.nRow, args.dFinalState + stateOffset(args, b, h + i), P, N);
    if (args.dD) store<f32>(args.dD + ((<usize>b * args.heads + h + i) << 2), 0);
  }
  for (let l = 0; ids && l < length; ) {
    const end = runEnd(ids, l, length);
    if (idAt(ids, l) < 0) zeroRows(args, b, h, count, sums, l, end);
    l = end;
  }
  for (let last = lastReal(ids, length); last >= 0; ) {
    const chunk = last / SAVED_STEPS;
    const first = collect(work, ids, last, chunk * SAVED_STEPS);
    const before = lastReal(ids, first);
    const starts = before >= 0 && idAt(ids, before) != idAt(ids, first);
    beginChunk(args, work, b, group);
    for (let i = 0; i < count; i++) {
      backwardHead(args, work, b, h + i, starts ? -1 : chunk, work.carries + <usize>i * work.stateBytes);
    }
    endChunk(args, work, sums, width << 2);
    // No gradient flows from the first position of a sequence to the sequence before it.
    if (starts) memory.fill(work.carries, 0, <usize>count * work.stateBytes);
    last = before;
  }
  if (!args.dInitialState) return;
  for (let i = 0; i < count; i++) {
    unpadMatrix(args.dInitialState + stateOffset(args, b, h + i), work.carries + <usize>i * work.stateBytes, work.nRow, P, N);
  }
}

/** Lists the positions up to `last`, and from `from` on, that are of the sequence of `last`. Returns the first one. */
function collect(work: SsdWork, ids: usize, last: i32, from: i32): i32 {
  const id = idAt(ids, last);
  let first = last;
  let count = 0;
  for (let l = last; l >= from; l--) {
    const other = idAt(ids, l);
    if (other < 0) continue;
    if (other != id) break;
    first = l;
    count++;
  }
  let at = work.positions;
  for (let l = first; l <= last; l++) {
    if (idAt(ids, l) < 0) continue;
    store<i32>(at, l);
    at += 4;
  }
  work.count = count;
  return first;
}

/** Writes 0 to the gradients at the padded positions [from, to). */
function zeroRows(args: SsdScanBackwardArgs, b: i32, h: i32, count: i32, sums: usize, from: i32, to: i32): void {
  const P = args.headDim;
  const bytes = (<usize>count) << 2;
  const vectorBytes = (<usize>args.stateSize) << 2;
  for (let l = from; l < to; l++) {
    const at = ((<usize>b * args.length + l) * args.heads + h) << 2;
    memory.fill(args.dx + at * P, 0, bytes * P);
    memory.fill(args.dLogDecay + at, 0, bytes);
    memory.fill(args.dWeight + at, 0, bytes);
    const vector = sums + ((<usize>l * args.groups * args.stateSize) << 2);
    memory.fill(args.dB + vector, 0, vectorBytes);
    memory.fill(args.dC + vector, 0, vectorBytes);
  }
}
