import { siluLanes } from "./exponentials.ts";
import { gatherLanes, loadLanes, madd, scatterLanes, storeLanes } from "./lanes.ts";
import { Flag, OptionalPointer, Pointer } from "./records.ts";

// causalConv1d for one token, with the same order of additions. The state is shifted in place. A unit is a chunk of channels
// of one batch row.

const UNIT_CHANNELS: i32 = 512;

@unmanaged
export class CausalConv1dStepArgs {
  x!: Pointer; // f32 [batch, channels]
  weight!: Pointer; // f32 [channels, width]
  bias!: OptionalPointer; // f32 [channels]
  state!: Pointer; // f32 [batch, channels, width - 1]: read and written
  y!: Pointer; // f32 [batch, channels]
  batch!: i32; // may be 0
  channels!: i32;
  width!: i32; // 2 to 16
  xStride!: i32;
  silu!: Flag;
}

export function causalConv1dStepUnits(args: CausalConv1dStepArgs): i32 {
  return args.batch * ((args.channels + UNIT_CHANNELS - 1) / UNIT_CHANNELS);
}

export function causalConv1dStepRun(args: CausalConv1dStepArgs, begin: i32, end: i32, scratch: usize): void {
  const W = args.width;
  const weightRow = (<usize>W) << 2;
  const stateRow = weightRow - 4;
  const perRow = (args.channels + UNIT_CHANNELS - 1) / UNIT_CHANNELS;
  for (let unit = begin; unit < end; unit++) {
    const b = unit / perRow;
    const first = (unit % perRow) * UNIT_CHANNELS;
    const last = min(first + UNIT_CHANNELS, args.channels);
    for (let d = first; d < last; d += 4) {
      const lanes = last - d;
      const column = (<usize>d) << 2;
      const x = loadLanes(args.x + ((<usize>b * args.xStride) << 2) + column, lanes);
      const weight = args.weight + <usize>d * weightRow;
      const state = args.state + (<usize>b * args.channels + d) * stateRow;
      let sum = args.bias ? loadLanes(args.bias + column, lanes) : f32x4.splat(0);
      for (let k = 0; k < W; k++) {
        const tap = k == W - 1 ? x : gatherLanes(state + (k << 2), stateRow, lanes);
        if (k > 0) scatterLanes(state + ((k - 1) << 2), stateRow, tap, lanes);
        sum = madd(gatherLanes(weight + (k << 2), weightRow, lanes), tap, sum);
      }
      if (args.silu) sum = siluLanes(sum);
      storeLanes(args.y + ((<usize>b * args.channels) << 2) + column, sum, lanes);
    }
  }
}
