import { loadLanes, storeLanes } from "./lanes.ts";
import { countOf, endOf, Positions, startOf } from "./positions.ts";
import { Pointer } from "./records.ts";

// dx[p] = dy[s] / count(s) at each position p that counts for sequence s, 0 at the others. The counts are a job of its own.

@unmanaged
export class MeanPositionsBackwardArgs extends Positions {
  dy!: Pointer; // f32 [sequences, channels]
  dx!: Pointer; // f32 [batch, length, channels]
  counts!: Pointer; // f32 [sequences]
  dyStride!: i32;
}

export function meanPositionsCountUnits(args: MeanPositionsBackwardArgs): i32 {
  return args.sequences;
}

export function meanPositionsCountRun(
  args: MeanPositionsBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  for (let s = begin; s < end; s++) store<f32>(args.counts + ((<usize>s) << 2), <f32>countOf(args, s));
}

/** Positions in one unit: about 16,384 numbers. */
@inline
function unitPositions(args: MeanPositionsBackwardArgs): i32 {
  return max(16384 / args.channels, 1);
}

export function meanPositionsBackwardUnits(args: MeanPositionsBackwardArgs): i32 {
  const positions = unitPositions(args);
  return (args.batch * args.length + positions - 1) / positions;
}

export function meanPositionsBackwardRun(
  args: MeanPositionsBackwardArgs,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const positions = unitPositions(args);
  const last = min(end * positions, args.batch * args.length);
  const bytes: usize = args.channels << 2;
  for (let p = begin * positions; p < last; p++) {
    const dx = args.dx + <usize>p * bytes;
    const s = sequenceOf(args, p);
    if (s < 0) {
      memory.fill(dx, 0, bytes);
      continue;
    }
    const dy = args.dy + ((<usize>s * args.dyStride) << 2);
    const count = v128.load32_splat(args.counts + ((<usize>s) << 2));
    for (let i: usize = 0; i < bytes; i += 16) {
      const left = <i32>((bytes - i) >> 2);
      storeLanes(dx + i, f32x4.div(loadLanes(dy + i, left), count), left);
    }
  }
}

/** The sequence for which position p counts, -1 when there is none. */
@inline
function sequenceOf(args: MeanPositionsBackwardArgs, p: i32): i32 {
  if (!args.sequenceIds) return p / args.length;
  const s = load<i32>(args.sequenceIds + ((<usize>p) << 2));
  return s >= 0 && s < args.sequences && p >= startOf(args, s) && p < endOf(args, s) ? s : -1;
}
