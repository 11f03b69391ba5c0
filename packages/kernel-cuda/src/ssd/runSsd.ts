import type { SsdArgs } from "@mamba/kernel";
import type { SsdSizes } from "@mamba/kernel/author";
import type { Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import { sequenceIndex } from "../sequenceIndex.ts";
import type { CudaTensor } from "../tensor.ts";

/** Positions per chunk, and rows and columns of a tile: kSide of tiles.cuh. */
export const side = 64;
/** Threads per block of the GPU kernels that compute tiles. */
export const sideThreads = 128;
/** Threads per block of ssdCarry. */
const carryBlock = 128;

/** The words of SsdSizes in cuda/ssd.cuh. */
export function ssdWords(sizes: SsdSizes, args: Own<SsdArgs>, dy?: CudaTensor): Uint32Array {
  const { batch, length, heads, headDim, groups, stateSize } = sizes;
  const { x, B, C, logDecay, weight } = args;
  const strides = [x, B, C, logDecay, weight, dy].map((tensor) => tensor?.rowStride ?? 0);
  return Uint32Array.of(batch, length, heads, headDim, groups, stateSize, chunksOf(sizes), ...strides);
}

/** The number of chunks of a row. */
export function chunksOf({ length }: SsdSizes): number {
  return Math.ceil(length / side);
}

/** Tiles that cover an extent. */
export function tilesOf(extent: number): number {
  return Math.ceil(extent / side);
}

/**
 * Records a scan.
 *
 * @param to the result tensors; `states` [B, chunks, H, P, N] gets the state that enters each chunk
 */
export function runSsd(
  runtime: Runtime,
  op: string,
  args: Own<SsdArgs>,
  sizes: SsdSizes,
  to: { y: CudaTensor; finalState?: CudaTensor; states?: CudaTensor },
): void {
  const { batch, heads, headDim, stateSize } = sizes;
  const { x, B, C, logDecay, weight, D, initialState } = args;
  const chunks = chunksOf(sizes);
  const words = ssdWords(sizes, args);
  const index = sequenceIndex(runtime, op, args.sequenceIds);
  const scores = runScores(runtime, op, args, sizes, index, words);
  const isCarried = chunks > 1 || to.finalState !== undefined || to.states !== undefined;
  const own = isCarried ? (to.states ?? runtime.result(op, statesShape(sizes))) : undefined;
  if (own) {
    const passes = runtime.result(op, [batch, chunks, heads]);
    const blocks = batch * chunks * heads * tilesOf(headDim) * tilesOf(stateSize);
    const given = [x, B, logDecay, weight, index, own, passes, words];
    runtime.launch(op, "ssdChunkStates", blocks, sideThreads, given);
    carryStates(runtime, op, sizes, { start: initialState, passes, states: own, end: to.finalState });
    passes.dispose();
  }
  // The state that enters the only chunk is the initial one.
  const states = own ?? initialState;
  const blocks = batch * chunks * heads * tilesOf(headDim);
  const given = [x, C, logDecay, weight, D, index, scores, states, to.y, words];
  runtime.launch(op, "ssdOutputs", blocks, sideThreads, given);
  if (own !== to.states) own?.dispose();
  scores.dispose();
  index?.dispose();
}

/** The shape of one state for each chunk. */
export function statesShape(sizes: SsdSizes): number[] {
  const { batch, heads, headDim, stateSize } = sizes;
  return [batch, chunksOf(sizes), heads, headDim, stateSize];
}

/** Records the products C · B of each chunk and group, which the caller disposes. */
export function runScores(
  runtime: Runtime,
  op: string,
  { B, C }: Own<SsdArgs>,
  sizes: SsdSizes,
  index: CudaTensor | undefined,
  words: Uint32Array,
): CudaTensor {
  const { batch, groups } = sizes;
  const chunks = chunksOf(sizes);
  const scores = runtime.result(op, [batch, chunks, groups, side, side]);
  runtime.launch(op, "ssdScores", batch * chunks * groups, sideThreads, [B, C, index, scores, words]);
  return scores;
}

/** Records the step from chunk to chunk: see ssdCarry in cuda/ssdScan.cu. */
export function carryStates(
  runtime: Runtime,
  op: string,
  sizes: SsdSizes,
  at: {
    start: CudaTensor | undefined;
    passes: CudaTensor;
    states: CudaTensor;
    end: CudaTensor | undefined;
    backwards?: boolean;
  },
): void {
  const { batch, heads, headDim, stateSize } = sizes;
  const numbers = headDim * stateSize;
  const blocks = batch * Math.ceil((heads * numbers) / carryBlock);
  const args = [
    at.start,
    at.passes,
    at.states,
    at.end,
    chunksOf(sizes),
    heads,
    numbers,
    at.backwards ?? false,
  ];
  runtime.launch(op, "ssdCarry", blocks, carryBlock, args);
}
