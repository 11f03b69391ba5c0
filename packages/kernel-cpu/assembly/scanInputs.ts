import { exp2Bounded, exp2Lanes } from "./exponentials.ts";
import { loadLanes } from "./lanes.ts";
import { Flag, OptionalPointer, Pointer } from "./records.ts";

// The arguments of selectiveScan and its backward, and the steps on a chunk of channels that both share. Four channels share a register, so
// that B and C are one number for all lanes, sums over n need no shuffles, and any N works.

/** Channels that go through time together: two cache lines of u, delta, z and y. */
export const CHANNELS: i32 = 32;
/** Registers of one row of channels. */
export const REGISTERS: i32 = CHANNELS / 4;
/** Bytes of one row of channels in scratch. */
export const ROW: usize = <usize>CHANNELS << 2;
/** Positions from one saved state to the next. */
export const SAVED_STEPS: i32 = 64;

@unmanaged
export class ScanInputs {
  u!: Pointer; // f32 [batch, length, channels]
  delta!: Pointer; // f32 [batch, length, channels]
  A!: Pointer; // f32 [channels, stateSize]
  B!: Pointer; // f32 [batch, length, stateSize]
  C!: Pointer; // f32 [batch, length, stateSize]
  D!: OptionalPointer; // f32 [channels]
  z!: OptionalPointer; // f32 [batch, length, channels]
  deltaBias!: OptionalPointer; // f32 [channels]
  initialState!: OptionalPointer; // f32 [batch, channels, stateSize]
  sequenceIds!: OptionalPointer; // i32 [batch, length]
  states!: OptionalPointer; // f32: saved states, see savedState; the backward requires them
  batch!: i32; // may be 0
  length!: i32; // may be 0
  channels!: i32;
  stateSize!: i32; // 1 to 256
  uStride!: i32;
  deltaStride!: i32;
  bStride!: i32;
  cStride!: i32;
  zStride!: i32; // ignored without z
  deltaSoftplus!: Flag;
}

/**
 * Address of the state of batch row b before position `chunk` · SAVED_STEPS: [N][4] for each four channels from d on, in the
 * layout of scratch.
 */
@inline
export function savedState(args: ScanInputs, b: i32, chunk: i32, d: i32): usize {
  const chunks = (args.length + SAVED_STEPS - 1) / SAVED_STEPS;
  const vectors = (args.channels + 3) >> 2;
  return args.states + ((((<usize>b * chunks + chunk) * vectors + (d >> 2)) * args.stateSize) << 4);
}

/** Copies `count` columns of rows `stride` elements apart to [steps][CHANNELS]. The rest of each row is not used. */
export function stage(to: usize, from: usize, stride: i32, count: i32, steps: i32): void {
  const step = (<usize>stride) << 2;
  if (count == CHANNELS) {
    for (let t = 0; t < steps; t++) {
      for (let i: usize = 0; i < ROW; i += 64) {
        v128.store(to + i, v128.load(from + i));
        v128.store(to + i, v128.load(from + i, 16), 16);
        v128.store(to + i, v128.load(from + i, 32), 32);
        v128.store(to + i, v128.load(from + i, 48), 48);
      }
      to += ROW;
      from += step;
    }
    return;
  }
  for (let t = 0; t < steps; t++) {
    for (let c = 0; c < count; c += 4) v128.store(to + (c << 2), loadLanes(from + (c << 2), count - c));
    to += ROW;
    from += step;
  }
}

/** True when exp2Bounded is valid for every dt · A · log2(e) of the chunk: max |dt| · max |A · log2(e)| < 126. */
@inline
export function isBounded(scratch: usize, decay: usize, steps: i32, N: i32): bool {
  let dt = f32x4.splat(0);
  for (let t = 0; t < steps; t++) dt = f32x4.pmax(f32x4.abs(v128.load(scratch + <usize>t * ROW)), dt);
  let a = f32x4.splat(0);
  for (let n = 0; n < N; n++) a = f32x4.pmax(f32x4.abs(v128.load(decay + ((<usize>n) << 4))), a);
  return i32x4.all_true(f32x4.lt(f32x4.mul(dt, a), f32x4.splat(126.0)));
}

/** 2^x, faster when `bounded` (see isBounded). */
@inline
export function power(x: v128, bounded: bool): v128 {
  return bounded ? exp2Bounded(x) : exp2Lanes(x);
}
