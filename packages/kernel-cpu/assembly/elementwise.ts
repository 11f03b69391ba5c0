import { Pointer, OptionalPointer } from "./records.ts";

// The loop of the elementwise ops. The host passes dense tensors as one long row. A unit is at most 4096 elements: a chunk of
// a long row, or several short rows.

export const CHUNK: i32 = 4096;

@unmanaged
export class ElementwiseArgs {
  a!: Pointer; // f32 [rows, features]
  b!: OptionalPointer; // f32 [bRows, features], row i % bRows for row i of a; required by the ops with two operands
  y!: Pointer; // f32 [rows, features]
  rows!: i32;
  features!: i32;
  aStride!: i32;
  bStride!: i32;
  yStride!: i32;
  bRows!: i32;
  factor!: f32; // used by scale and accumulate
}

export function elementwiseUnits(args: ElementwiseArgs): i32 {
  return chunkUnits(args.rows, args.features);
}

/** Number of units of [rows, features]. */
export function chunkUnits(rows: i32, features: i32): i32 {
  const rowsPerUnit = chunkRows(features);
  return ((rows + rowsPerUnit - 1) / rowsPerUnit) * ((features + CHUNK - 1) / CHUNK);
}

/** Rows of one unit. */
@inline
export function chunkRows(features: i32): i32 {
  return max(1, CHUNK / features);
}

/** y = F.lanes(a, 0, factor). F is a class with an inlined method `lanes`, which needs no instance. */
@inline
export function mapOne<F>(args: ElementwiseArgs, begin: i32, end: i32): void {
  map<F>(args, begin, end, false);
}

/** y = F.lanes(a, b, factor) */
@inline
export function mapTwo<F>(args: ElementwiseArgs, begin: i32, end: i32): void {
  map<F>(args, begin, end, true);
}

@inline
function map<F>(args: ElementwiseArgs, begin: i32, end: i32, binary: bool): void {
  const features = args.features;
  const factor = f32x4.splat(args.factor);
  const chunks = (features + CHUNK - 1) / CHUNK;
  const rowsPerUnit = chunkRows(features);
  for (let unit = begin; unit < end; unit++) {
    const column = (unit % chunks) * CHUNK;
    const count = min(features - column, CHUNK);
    const first = (unit / chunks) * rowsPerUnit;
    const last = min(first + rowsPerUnit, args.rows);
    let bRow = first;
    if (binary && first >= args.bRows) bRow = first % args.bRows;
    for (let row = first; row < last; row++) {
      const a = args.a + ((<usize>row * args.aStride + column) << 2);
      const b = args.b + ((<usize>bRow * args.bStride + column) << 2);
      const y = args.y + ((<usize>row * args.yStride + column) << 2);
      mapRow<F>(a, b, y, count, factor, binary);
      if (binary && ++bRow == args.bRows) bRow = 0;
    }
  }
}

/** The last elements go through the same vector code as all others, so that a value does not depend on its position. */
@inline
function mapRow<F>(a: usize, b: usize, y: usize, count: i32, factor: v128, binary: bool): void {
  const op = changetype<F>(0);
  let i = 0;
  for (; i <= count - 4; i += 4) {
    const offset = <usize>i << 2;
    const second = binary ? v128.load(b + offset) : factor;
    v128.store(y + offset, op.lanes(v128.load(a + offset), second, factor));
  }
  for (; i < count; i++) {
    const offset = <usize>i << 2;
    const second = binary ? v128.load32_splat(b + offset) : factor;
    v128.store_lane<f32>(y + offset, op.lanes(v128.load32_splat(a + offset), second, factor), 0);
  }
}
