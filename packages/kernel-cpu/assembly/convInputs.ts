import { gatherLanes } from "./lanes.ts";
import { Flag, OptionalPointer, Pointer } from "./records.ts";

// The arguments and the scratch memory that causalConv1d and its backward have in common. A chunk of 64 channels goes through
// time with its weights, transposed to [W][64], in L1. The inputs before the first position lie in scratch as W - 1 rows, so
// that the loops need no special case for them.

/** Channels of one chunk. */
export const CHANNELS: i32 = 64;
/** Bytes of one row of a chunk in scratch. */
export const ROW: usize = 256;
export const MAX_WIDTH: usize = 16;

/** Offset in scratch of the inputs before the first position, behind the weights. */
export const HISTORY: usize = MAX_WIDTH * ROW;

@unmanaged
export class ConvInputs {
  x!: Pointer; // f32 [batch, length, channels]
  weight!: Pointer; // f32 [channels, width]
  bias!: OptionalPointer; // f32 [channels]
  initialState!: OptionalPointer; // f32 [batch, channels, width - 1]
  sequenceIds!: OptionalPointer; // i32 [batch, length]
  batch!: i32; // may be 0
  length!: i32; // may be 0
  channels!: i32;
  width!: i32; // 2 to 16
  xStride!: i32;
  silu!: Flag;
}

/** Copies the weights and the initial state of channels [d, d + count) to scratch. */
export function stage(args: ConvInputs, b: i32, d: i32, count: i32, scratch: usize): void {
  const W = args.width;
  const weightRow = (<usize>W) << 2;
  const stateRow = weightRow - 4;
  for (let c = 0; c < count; c += 4) {
    const lanes = count - c;
    const weight = args.weight + <usize>(d + c) * weightRow;
    const state = args.initialState + (<usize>b * args.channels + d + c) * stateRow;
    const to = scratch + (c << 2);
    for (let k = 0; k < W; k++) {
      v128.store(to + <usize>k * ROW, gatherLanes(weight + (k << 2), weightRow, lanes));
      if (k == W - 1) break;
      const past = args.initialState ? gatherLanes(state + (k << 2), stateRow, lanes) : f32x4.splat(0);
      v128.store(to + HISTORY + <usize>k * ROW, past);
    }
  }
}
