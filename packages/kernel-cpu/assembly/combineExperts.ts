import { addRow } from "./attentionTiles.ts";
import { Pointer } from "./records.ts";

// out[r] = sum_j weights[r, j] · y[r, j], in ascending order of j

@unmanaged
export class CombineExpertsArgs {
  y!: Pointer; // f32 [rows, perToken, features]
  weights!: Pointer; // f32 [rows, perToken]
  out!: Pointer; // f32 [rows, features]
  rows!: i32;
  perToken!: i32;
  features!: i32;
  yStride!: i32;
  weightsStride!: i32;
}

/** Elements of y in one unit. */
const UNIT: i32 = 16384;

@inline
function unitRows(args: CombineExpertsArgs): i32 {
  return max(UNIT / (args.perToken * args.features), 1);
}

export function combineExpertsUnits(args: CombineExpertsArgs): i32 {
  const rows = unitRows(args);
  return (args.rows + rows - 1) / rows;
}

export function combineExpertsRun(args: CombineExpertsArgs, begin: i32, end: i32, scratch: usize): void {
  const size = unitRows(args);
  const last = min(end * size, args.rows);
  const step = (<usize>args.yStride) << 2;
  const bytes = (<usize>args.features) << 2;
  for (let row = <usize>(begin * size); row < <usize>last; row++) {
    const out = args.out + row * bytes;
    memory.fill(out, 0, bytes);
    const weights = args.weights + ((row * args.weightsStride) << 2);
    addRow(weights, 4, args.y + row * args.perToken * step, step, args.perToken, out, args.features);
  }
}
