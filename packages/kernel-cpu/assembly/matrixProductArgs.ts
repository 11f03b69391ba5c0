import { Flag, Pointer, StorageType } from "./records.ts";

/** Rows and columns of the register tile. */
export const TILE_ROWS: i32 = 4;
export const TILE_COLUMNS: i32 = 8;
/** Steps of k that are packed for all panels before the next: their pages and lines are then still cached. */
export const FEW: i32 = 8;

@unmanaged
export class MatrixProductArgs {
  a!: Pointer; // f32
  b!: Pointer; // [depth, columns], stored as bType
  c!: Pointer; // f32 [rows, columns]
  rows!: i32;
  columns!: i32;
  depth!: i32;
  aStride!: i32;
  aByColumns!: Flag; // a is [depth, rows] in memory, otherwise [rows, depth]
  bStride!: i32;
  bType!: StorageType;
}
