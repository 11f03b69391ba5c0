import { OptionalPointer, Pointer } from "./records.ts";

// Positions that are pooled. Without sequence numbers each row of the batch is a sequence. With them, `ranges[s]` = [start, end)
// bounds the flattened positions of sequence s, and position p of the range counts when its number is s.

@unmanaged
export class Positions {
  sequenceIds!: OptionalPointer; // i32 [batch, length]
  ranges!: OptionalPointer; // i32 [sequences, 2]; present when sequenceIds is
  batch!: i32;
  length!: i32;
  channels!: i32;
  sequences!: i32;
}

/** The first position of sequence s, clamped to the batch. */
@inline
export function startOf(args: Positions, s: i32): i32 {
  if (!args.ranges) return s * args.length;
  return max(load<i32>(args.ranges + ((<usize>s) << 3)), 0);
}

/** The position after the last one of sequence s, clamped to the batch. */
@inline
export function endOf(args: Positions, s: i32): i32 {
  if (!args.ranges) return (s + 1) * args.length;
  return min(load<i32>(args.ranges + ((<usize>s) << 3), 4), args.batch * args.length);
}

/** The first position from p on that counts for sequence s; `end` when there is none. */
@inline
export function nextOf(args: Positions, s: i32, p: i32, end: i32): i32 {
  const ids = args.sequenceIds;
  if (ids) while (p < end && load<i32>(ids + ((<usize>p) << 2)) != s) p++;
  return p;
}

/** Number of positions that count for sequence s. */
export function countOf(args: Positions, s: i32): i32 {
  const end = endOf(args, s);
  if (!args.sequenceIds) return args.length;
  let count = 0;
  for (let p = nextOf(args, s, startOf(args, s), end); p < end; p = nextOf(args, s, p + 1, end)) count++;
  return count;
}

/** Groups of at most 16 channels. */
@inline
export function channelGroups(channels: i32): i32 {
  return (channels + 15) / 16;
}
