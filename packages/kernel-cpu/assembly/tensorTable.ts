import { OptionalPointer, Pointer } from "./records.ts";

// Ops over many tensors at once. The addresses of the tensors stand in a table, so that many small tensors make one job. A unit
// is a chunk of at most CHUNK_ELEMENTS numbers of one tensor.

export const CHUNK_ELEMENTS: i32 = 16384;

/** One tensor. A dense one is passed as one long row; a unit of a column view is some of its rows. */
@unmanaged
export class TensorEntry {
  x!: Pointer; // f32: the tensor, or the gradient
  param!: OptionalPointer; // f32; adamwStep only
  m!: OptionalPointer; // f32; adamwStep only
  v!: OptionalPointer; // f32; adamwStep only
  firstUnit!: i32;
  features!: i32;
  rows!: i32; // 1 for adamwStep
  stride!: i32;
}

@unmanaged
export class TensorTable {
  table!: Pointer; // TensorEntry [entries], by ascending firstUnit
  entries!: i32;
  units!: i32;
}

/** Returns the last entry whose first unit is not after `unit`. */
export function entryOf(args: TensorTable, unit: i32): TensorEntry {
  let low = 0;
  let high = args.entries;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (changetype<TensorEntry>(args.table + <usize>middle * offsetof<TensorEntry>()).firstUnit <= unit)
      low = middle;
    else high = middle;
  }
  return changetype<TensorEntry>(args.table + <usize>low * offsetof<TensorEntry>());
}
