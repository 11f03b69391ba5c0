import { channelGroups } from "./positions.ts";
import { Pointer } from "./records.ts";

// dx[index[s, c], c] = dy[s, c], and 0 elsewhere; an index outside the positions contributes nothing. Two jobs: zeros, then the
// gradients, 16 channels in a unit, so that no two threads write the same number.

@unmanaged
export class MaxPositionsBackwardArgs {
  dy!: Pointer; // f32 [sequences, channels]
  index!: Pointer; // i32 [sequences, channels]
  dx!: Pointer; // f32 [positions, channels]
  positions!: i32;
  channels!: i32;
  sequences!: i32;
  dyStride!: i32;
}

/** Positions in one unit of the first job: about 16,384 numbers. */
@inline
function unitPositions(args: MaxPositionsBackwardArgs): i32 {
  return max(16384 / args.channels, 1);
}

export function maxPositionsZeroUnits(args: MaxPositionsBackwardArgs): i32 {
  const positions = unitPositions(args);
  return (args.positions + positions - 1) / positions;
}

export function maxPositionsZeroRun(args: MaxPositionsBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const positions = unitPositions(args);
  const bytes: usize = args.channels << 2;
  const first = begin * positions;
  const last = min(end * positions, args.positions);
  memory.fill(args.dx + <usize>first * bytes, 0, <usize>(last - first) * bytes);
}

export function maxPositionsBackwardUnits(args: MaxPositionsBackwardArgs): i32 {
  return channelGroups(args.channels);
}

export function maxPositionsBackwardRun(
  args: MaxPositionsBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const last = min(end * 16, args.channels);
  for (let s = 0; s < args.sequences; s++) {
    for (let c = begin * 16; c < last; c++) {
      const p = load<i32>(args.index + ((<usize>s * args.channels + c) << 2));
      if (p < 0 || p >= args.positions) continue;
      const at = args.dx + ((<usize>p * args.channels + c) << 2);
      store<f32>(at, load<f32>(args.dy + ((<usize>s * args.dyStride + c) << 2)));
    }
  }
}
