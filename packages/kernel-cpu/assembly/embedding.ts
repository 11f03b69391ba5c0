import { GatherArgs } from "./args.ts";
import { elementBytes, widenRow } from "./half.ts";

// embedding: y[i] = weight[clamp(ids[i], 0, vocabSize - 1)], widened to f32. An id can come from a user's file, so the
// clamp stands here, next to the address that it guards.

/** Ids in one unit: about 16,384 numbers. */
@inline
function unitIds(args: GatherArgs): i32 {
  return max(16384 / args.features, 1);
}

export function embeddingUnits(at: usize): i32 {
  const args = changetype<GatherArgs>(at);
  const ids = unitIds(args);
  return (args.count + ids - 1) / ids;
}

export function embeddingScratch(at: usize): i32 {
  return 0;
}

export function embeddingRange(at: usize, begin: i32, end: i32, scratch: usize): void {
  const args = changetype<GatherArgs>(at);
  const ids = unitIds(args);
  const last = min(end * ids, args.count);
  const rowBytes = <usize>args.features * elementBytes(args.weightType);
  for (let i = begin * ids; i < last; i++) {
    const id = min(max(load<i32>(args.ids + ((<usize>i) << 2)), 0), args.vocabSize - 1);
    const to = args.y + ((<usize>i * args.features) << 2);
    widenRow(to, args.weight + <usize>id * rowBytes, args.features, args.weightType);
  }
}
