import { loadLanes, storeLanes } from "./lanes.ts";
import { Pointer } from "./records.ts";

// dWeight[v] = the sum of dy[i] over all i with clamp(ids[i], 0, vocabSize - 1) = v, in ascending order of i. A unit is a
// chunk of columns for all ids: so no two units write the same number, and units take equal time however often an id occurs.

@unmanaged
export class EmbeddingBackwardArgs {
  dy!: Pointer; // f32 [count, features]
  ids!: Pointer; // i32 [count]
  dWeight!: Pointer; // f32 [vocabSize, features]
  count!: i32;
  vocabSize!: i32;
  features!: i32;
  dyStride!: i32;
}

/** Columns of one unit: whole cache lines, and at least four units when there are four lines. */
@inline
function unitColumns(args: EmbeddingBackwardArgs): i32 {
  return min(max((args.features >> 2) & ~15, 16), 256);
}

export function embeddingBackwardUnits(args: EmbeddingBackwardArgs): i32 {
  const columns = unitColumns(args);
  return (args.features + columns - 1) / columns;
}

export function embeddingBackwardRun(args: EmbeddingBackwardArgs, begin: i32, end: i32, scratch: usize): void {
  const columns = unitColumns(args);
  const row = (<usize>args.features) << 2;
  const step = (<usize>args.dyStride) << 2;
  for (let unit = begin; unit < end; unit++) {
    const column = unit * columns;
    const count = min(args.features - column, columns);
    const to = args.dWeight + ((<usize>column) << 2);
    for (let v = 0; v < args.vocabSize; v++) memory.fill(to + <usize>v * row, 0, (<usize>count) << 2);
    let from = args.dy + ((<usize>column) << 2);
    for (let i = 0; i < args.count; i++) {
      const id = min(max(load<i32>(args.ids + ((<usize>i) << 2)), 0), args.vocabSize - 1);
      addRow(to + <usize>id * row, from, count);
      from += step;
    }
  }
}

@inline
function addRow(to: usize, from: usize, count: i32): void {
  for (; count >= 4; count -= 4) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
    to += 16;
    from += 16;
  }
  if (count) storeLanes(to, f32x4.add(loadLanes(to, count), loadLanes(from, count)), count);
}
