import { elementBytes, widenRow } from "./half.ts";
import { DEQUANTIZE_SCRATCH, dequantizeRows } from "./quantized/dequantize.ts";
import { isQuantized, Pointer, StorageType } from "./records.ts";

// y[i] = weight[clamp(ids[i], 0, vocabSize - 1)], converted to f32. An id can come from a file, so the address is guarded here.

@unmanaged
export class EmbeddingArgs {
  ids!: Pointer; // i32 [count]
  weight!: Pointer; // [vocabSize, features], stored as weightType
  y!: Pointer; // f32 [count, features]
  count!: i32; // may be 0
  vocabSize!: i32;
  features!: i32;
  weightType!: StorageType;
}

/** Ids in one unit: about 16,384 numbers. */
@inline
function unitIds(args: EmbeddingArgs): i32 {
  return max(16384 / args.features, 1);
}

export function embeddingUnits(args: EmbeddingArgs): i32 {
  const ids = unitIds(args);
  return (args.count + ids - 1) / ids;
}

/** Room for four rows of a quantised weight. */
export function embeddingScratch(args: EmbeddingArgs): i32 {
  return isQuantized(args.weightType) ? (args.features << 4) + DEQUANTIZE_SCRATCH : 0;
}

export function embeddingRun(args: EmbeddingArgs, begin: i32, end: i32, scratch: usize): void {
  const ids = unitIds(args);
  const last = min(end * ids, args.count);
  const rowBytes = <usize>args.features * elementBytes(args.weightType);
  for (let i = begin * ids; i < last; i++) {
    const id = min(max(load<i32>(args.ids + ((<usize>i) << 2)), 0), args.vocabSize - 1);
    const to = args.y + ((<usize>i * args.features) << 2);
    if (isQuantized(args.weightType)) {
      const row = (<usize>args.features) << 2;
      const spare = scratch + (row << 2);
      dequantizeRows(args.weight, args.features, id & -4, 4, scratch, row, spare, args.weightType);
      memory.copy(to, scratch + <usize>(id & 3) * row, row);
    } else widenRow(to, args.weight + <usize>id * rowBytes, args.features, args.weightType);
  }
}
