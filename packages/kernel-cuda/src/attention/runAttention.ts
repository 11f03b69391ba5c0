import type { AttentionSizes } from "@mamba/kernel/author";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

/** Rows and keys of a tile: kSide of tiles.cuh. */
const side = 64;
/** Threads per block. */
export const attentionThreads = 128;
/** Blocks that fill a large GPU twice. Constant, so that the order of a sum does not depend on the device. */
const enoughBlocks = 264;
/** The fewest keys of a chunk: with fewer, adding the chunks costs more than it saves. */
const fewestKeys = 256;

interface Inputs {
  readonly q: CudaTensor;
  readonly k: CudaTensor;
  readonly v: CudaTensor;
  readonly scale: number;
}

/** The words of AttentionSizes in cuda/attention.cuh; `capacity` is the number of rows of keys of each row of the batch. */
export function attentionWords(
  { batch, length, heads, kvHeads, keyDim, valueDim }: AttentionSizes,
  { q, k, v }: Inputs,
  capacity: number,
  dy?: CudaTensor,
): Uint32Array {
  const strides = [q.rowStride, k.rowStride, v.rowStride, dy?.rowStride ?? 0];
  return Uint32Array.of(batch, length, heads, kvHeads, keyDim, valueDim, capacity, ...strides);
}

/** Rows of a block of attentionFew, and the most rows of a head of keys and the widest heads for which it is used. */
const [fewRows, mostFewRows, fewWidth] = [8, 16, 256];

/** Tiles of the rows of a head of keys: those of all query heads that read it. */
export function rowTiles({ length, heads, kvHeads }: AttentionSizes): number {
  return Math.ceil((length * heads) / kvHeads / side);
}

/** Tiles that cover an extent. */
export function tilesOf(extent: number): number {
  return Math.ceil(extent / side);
}

/**
 * Records an attention.
 *
 * @param to `y` [B, L, Hq·Dv], and the residual [2, B, L, Hq] when it is wanted
 * @param from ids of packed sequences, or the lengths of a cache that `k` and `v` are
 */
export function runAttention(
  runtime: Runtime,
  op: string,
  inputs: Inputs,
  sizes: AttentionSizes,
  to: { y: CudaTensor; residual?: CudaTensor },
  from: { ids?: CudaTensor | undefined; lengths?: CudaTensor; capacity: number },
): void {
  const { batch, length, heads, kvHeads, keyDim, valueDim } = sizes;
  const words = attentionWords(sizes, inputs, from.capacity);
  const width = valueDim <= side ? side : 2 * side;
  const headRows = (length * heads) / kvHeads;
  const isFew =
    from.lengths !== undefined &&
    !runtime.batchInvariant &&
    headRows <= mostFewRows &&
    Math.max(keyDim, valueDim) <= fewWidth;
  const tiles = isFew ? Math.ceil(headRows / fewRows) : rowTiles(sizes) * Math.ceil(valueDim / width);
  const blocks = tiles * kvHeads * batch;
  const { chunks, chunkKeys } = chunksOf(runtime, blocks, from);
  const rows = batch * length * heads;
  const partial = chunks > 1 ? runtime.result(op, [chunks, rows, valueDim]) : undefined;
  const sums = chunks > 1 ? runtime.result(op, [chunks, rows, 2]) : undefined;
  const { q, k, v, scale } = inputs;
  const targets = isFew ? [to.y, partial, sums] : [to.y, to.residual, partial, sums];
  const given = isFew ? [q, k, v, from.lengths] : [q, k, v, from.ids, from.lengths];
  const args = [...given, ...targets, words, scale, chunkKeys];
  const tileKernel = valueDim <= side ? "attention1" : "attention2";
  runtime.launch(op, isFew ? "attentionFew" : tileKernel, [blocks, chunks], attentionThreads, args);
  if (!partial || !sums) return;
  const combineBlocks = Math.ceil((rows * valueDim) / 256);
  runtime.launch(op, "attentionCombine", combineBlocks, 256, [partial, sums, to.y, words, chunks]);
  partial.dispose();
  sums.dispose();
}

/**
 * Splits the keys of a cache into chunks when the rows alone do not fill the device; one chunk when the kernel is batch invariant,
 * because the chunks depend on the batch, the rows and the capacity.
 */
function chunksOf(
  { batchInvariant }: Runtime,
  blocks: number,
  { lengths, capacity }: { lengths?: CudaTensor; capacity: number },
): { chunks: number; chunkKeys: number } {
  const tiles = tilesOf(capacity);
  const wanted = Math.min(Math.ceil(enoughBlocks / blocks), Math.ceil(capacity / fewestKeys));
  if (batchInvariant || lengths === undefined || wanted <= 1) return { chunks: 1, chunkKeys: tiles * side };
  const each = Math.ceil(tiles / wanted);
  return { chunks: Math.ceil(tiles / each), chunkKeys: each * side };
}
