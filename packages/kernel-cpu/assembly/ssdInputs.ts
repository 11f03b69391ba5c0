import { expLanes } from "./exponentials.ts";
import { loadLanes, storeLanes } from "./lanes.ts";
import { OptionalPointer, Pointer } from "./records.ts";

// The arguments of ssdScan and its backward, and the steps that both share. H heads of P channels, G groups, N numbers of state:
//
//   S[t] = exp(logDecay[t]) · S[t-1] + weight[t] · x[t] ⊗ B[t]        S [P, N] of each head
//   y[t] = S[t] · C[t] + D · x[t]

/** Positions from one saved state to the next. */
export const SAVED_STEPS: i32 = 64;

@unmanaged
export class SsdInputs {
  x!: Pointer; // f32 [batch, length, heads · headDim]
  B!: Pointer; // f32 [batch, length, groups · stateSize]
  C!: Pointer; // f32 [batch, length, groups · stateSize]
  logDecay!: Pointer; // f32 [batch, length, heads]
  weight!: Pointer; // f32 [batch, length, heads]
  D!: OptionalPointer; // f32 [heads]
  initialState!: OptionalPointer; // f32 [batch, heads, headDim, stateSize]
  sequenceIds!: OptionalPointer; // i32 [batch, length]
  states!: OptionalPointer; // f32 [batch, chunks of SAVED_STEPS positions, heads, headDim, stateSize]; the backward requires them
  batch!: i32; // may be 0
  length!: i32; // may be 0
  heads!: i32;
  groups!: i32; // divides heads
  headDim!: i32;
  stateSize!: i32; // 1 to 256
  xStride!: i32;
  bStride!: i32;
  cStride!: i32;
  logDecayStride!: i32;
  weightStride!: i32;
}

/** Most heads of one unit: they share the rows of B and C. */
const MOST_HEADS: i32 = 4;
/** Units that a call is divided into when it has enough heads. */
const ENOUGH_UNITS: i32 = 32;

/** Heads of one unit, all of one group. */
@inline
export function unitHeads(args: SsdInputs): i32 {
  const most = min(args.heads / args.groups, MOST_HEADS);
  return min(max((args.batch * args.heads) / ENOUGH_UNITS, 1), most);
}

/** Units of each group of a batch row. */
@inline
export function unitsOfGroup(args: SsdInputs): i32 {
  const heads = unitHeads(args);
  return (args.heads / args.groups + heads - 1) / heads;
}

/** Bytes of the state of head h of batch row b, from the start of a state [batch, heads, headDim, stateSize]. */
@inline
export function stateOffset(args: SsdInputs, b: i32, h: i32): usize {
  return ((<usize>b * args.heads + h) * args.headDim * args.stateSize) << 2;
}

/** Address of the state of head h of batch row b before position `chunk` · SAVED_STEPS. */
@inline
export function savedState(args: SsdInputs, b: i32, chunk: i32, h: i32): usize {
  const chunks = (args.length + SAVED_STEPS - 1) / SAVED_STEPS;
  return args.states + stateOffset(args, b * chunks + chunk, h);
}

/** Copies column h of `steps` rows, `stride` elements apart, to neighbours. */
@inline
export function gatherColumn(to: usize, from: usize, stride: i32, steps: i32): void {
  for (let t = 0; t < steps; t++) {
    store<f32>(to, load<f32>(from));
    to += 4;
    from += (<usize>stride) << 2;
  }
}

/** at[i] = exp(at[i]) for `count` numbers. */
export function expNumbers(at: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    storeLanes(at, expLanes(loadLanes(at, count - i)), count - i);
    at += 16;
  }
}
