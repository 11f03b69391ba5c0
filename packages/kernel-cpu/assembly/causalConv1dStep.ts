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
      if (W == 4 && lanes >= 4) sum = fourChannels(x, weight, state, sum);
      else {
        for (let k = 0; k < W; k++) {
          const tap = k == W - 1 ? x : gatherLanes(state + (k << 2), stateRow, lanes);
          if (k > 0) scatterLanes(state + ((k - 1) << 2), stateRow, tap, lanes);
          sum = madd(gatherLanes(weight + (k << 2), weightRow, lanes), tap, sum);
        }
      }
      if (args.silu) sum = siluLanes(sum);
      storeLanes(args.y + ((<usize>b * args.channels) << 2) + column, sum, lanes);
    }
  }
}

/** The loop over k for four channels and W = 4: the 3 x 4 numbers of the state are three registers. */
@inline
function fourChannels(x: v128, weight: usize, state: usize, sum: v128): v128 {
  // a0 a1 a2 b0, b1 b2 c0 c1, c2 d0 d1 d2: the letter is the channel.
  const s0 = v128.load(state);
  const s1 = v128.load(state, 16);
  const s2 = v128.load(state, 32);
  const t0 = v128.shuffle<f32>(v128.shuffle<f32>(s0, s1, 0, 3, 6, 6), s2, 0, 1, 2, 5);
  const t1 = v128.shuffle<f32>(v128.shuffle<f32>(s0, s1, 1, 4, 7, 7), s2, 0, 1, 2, 6);
  const t2 = v128.shuffle<f32>(v128.shuffle<f32>(s0, s1, 2, 5, 2, 5), s2, 0, 1, 4, 7);
  v128.store(state, v128.shuffle<f32>(v128.shuffle<f32>(s0, x, 1, 2, 4, 4), s1, 0, 1, 2, 4));
  v128.store(state, v128.shuffle<f32>(v128.shuffle<f32>(s1, x, 1, 5, 3, 3), s2, 0, 1, 2, 4), 16);
  v128.store(state, v128.shuffle<f32>(x, s2, 2, 6, 7, 3), 32);
  const w0 = v128.load(weight);
  const w1 = v128.load(weight, 16);
  const w2 = v128.load(weight, 32);
  const w3 = v128.load(weight, 48);
  const ab01 = v128.shuffle<f32>(w0, w1, 0, 4, 1, 5);
  const ab23 = v128.shuffle<f32>(w0, w1, 2, 6, 3, 7);
  const cd01 = v128.shuffle<f32>(w2, w3, 0, 4, 1, 5);
  const cd23 = v128.shuffle<f32>(w2, w3, 2, 6, 3, 7);
  sum = madd(v128.shuffle<f32>(ab01, cd01, 0, 1, 4, 5), t0, sum);
  sum = madd(v128.shuffle<f32>(ab01, cd01, 2, 3, 6, 7), t1, sum);
  sum = madd(v128.shuffle<f32>(ab23, cd23, 0, 1, 4, 5), t2, sum);
  return madd(v128.shuffle<f32>(ab23, cd23, 2, 3, 6, 7), x, sum);
}
