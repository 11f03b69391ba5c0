import { CHUNK, chunkUnits } from "./elementwise.ts";
import { narrowLanes } from "./half.ts";
import { loadLanes } from "./lanes.ts";
import { Pointer, StorageType } from "./records.ts";

// y = x, rounded to nearest even in f16 or bf16

@unmanaged
export class NarrowArgs {
  x!: Pointer; // f32 [count]
  y!: Pointer; // [count], stored as type
  count!: i32;
  type!: StorageType; // F16 or BF16
}

export function narrowUnits(args: NarrowArgs): i32 {
  return chunkUnits(1, args.count);
}

export function narrowRun(args: NarrowArgs, begin: i32, end: i32, scratch: usize): void {
  const last = min(end * CHUNK, args.count);
  let i = begin * CHUNK;
  for (; i <= last - 4; i += 4) {
    const bits = narrowLanes(v128.load(args.x + ((<usize>i) << 2)), args.type);
    v128.store_lane<i64>(args.y + ((<usize>i) << 1), bits, 0);
  }
  if (i == last) return;
  let bits = narrowLanes(loadLanes(args.x + ((<usize>i) << 2), last - i), args.type);
  for (; i < last; i++) {
    store<i16>(args.y + ((<usize>i) << 1), i16x8.extract_lane_s(bits, 0));
    bits = i64x2.shr_u(bits, 16);
  }
}
