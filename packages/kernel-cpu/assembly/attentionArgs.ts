import { OptionalPointer, Pointer } from "./records.ts";

/** Keys of a tile. Tiles begin at multiples of this number of positions. */
export const TILE: i32 = 64;
/** Bytes of a row of a tile's scores. */
export const TILE_BYTES: usize = 256;
/** Keys of a chunk: a multiple of TILE. */
export const CHUNK: i32 = 1024;
/** Rows (pairs of a position and a query head) that share the keys of a unit, at most, unless a key head has more query heads. */
const MOST_ROWS: i32 = 64;

@unmanaged
export class AttentionArgs {
  q!: Pointer; // f32 [batch, length, heads · keyDim]
  k!: Pointer; // f32 [batch, positions, kvHeads · keyDim]
  v!: Pointer; // f32 [batch, positions, kvHeads · valueDim]
  ids!: OptionalPointer; // i32 [batch, length]: see AttentionArgs of @mamba/kernel; then positions is length
  starts!: OptionalPointer; // i32 [batch]: positions before the queries; clamped to [0, positions - length]
  batch!: i32;
  length!: i32;
  positions!: i32;
  heads!: i32;
  kvHeads!: i32;
  keyDim!: i32;
  valueDim!: i32;
  qStride!: i32;
  kStride!: i32;
  vStride!: i32;
  scale!: f32;
}

/** Query heads that share a key head. */
@inline
export function groupHeads(args: AttentionArgs): i32 {
  return args.heads / args.kvHeads;
}

/** Positions of queries in one unit. */
@inline
export function unitPositions(args: AttentionArgs): i32 {
  return max(min(min(MOST_ROWS / groupHeads(args), 32), args.length), 1);
}

@inline
export function queryTiles(args: AttentionArgs): i32 {
  const size = unitPositions(args);
  return (args.length + size - 1) / size;
}

/** Rows of one unit. */
@inline
export function unitRows(args: AttentionArgs): i32 {
  return unitPositions(args) * groupHeads(args);
}

/** The position of the first query of row b of the batch. */
@inline
export function startOf(args: AttentionArgs, b: i32): i32 {
  if (!args.starts) return 0;
  return max(min(load<i32>(args.starts + ((<usize>b) << 2)), args.positions - args.length), 0);
}

/** Address of the keys of a head at a position. */
@inline
export function keyAt(args: AttentionArgs, b: i32, g: i32, position: i32): usize {
  const row = <usize>b * args.positions + position;
  return args.k + ((row * args.kStride + <usize>(g * args.keyDim)) << 2);
}

@inline
export function valueAt(args: AttentionArgs, b: i32, g: i32, position: i32): usize {
  const row = <usize>b * args.positions + position;
  return args.v + ((row * args.vStride + <usize>(g * args.valueDim)) << 2);
}
