import type { ScanArgs } from "@mamba/kernel";
import type { Owned, ScanSizes } from "@mamba/kernel/author";
import type { Runtime } from "../runtime.ts";
import { sequenceIndex } from "../sequenceIndex.ts";
import type { CudaTensor } from "../tensor.ts";

/** Channels per block: kScanBlock of selectiveScan.cu. */
const blockChannels = 64;
/** With this many blocks, the channels alone keep a large device (132 multiprocessors) busy. */
const enoughBlocks = 128;
/**
 * Blocks of the scan that such a device runs at once. The chunks do not depend on the device, so the bits of the results do
 * not either.
 */
const wantedBlocks = 660;
/** The length of a chunk is a multiple of this: kScanKept of scan.cuh. */
const chunkUnit = 16;
/** Threads per block of selectiveScanCarry. */
const carryBlock = 128;

/** The arguments of a scan, with CUDA tensors. */
export type CudaScan = Owned<ScanArgs, CudaTensor>;

/**
 * Splits the sequence into chunks; one chunk when there are enough channels, because a chunked scan computes every
 * exponential twice, and one when the kernel is batch invariant, because the chunks depend on the batch and the length.
 */
function chunksOf(
  { batchInvariant }: Runtime,
  { batch, length, channels }: ScanSizes,
): { chunks: number; chunkLength: number } {
  const blocks = batch * Math.ceil(channels / blockChannels);
  if (batchInvariant || blocks >= enoughBlocks) return { chunks: 1, chunkLength: length };
  const most = Math.max(1, Math.floor(wantedBlocks / blocks));
  const chunkLength = Math.max(2, Math.ceil(Math.ceil(length / most) / chunkUnit)) * chunkUnit;
  return { chunks: Math.ceil(length / chunkLength), chunkLength };
}

/**
 * Records a scan.
 *
 * @param to the result tensors; `kept` [ceil(L/16), B, N, D] are the states before every 16th position
 */
export function runScan(
  runtime: Runtime,
  op: string,
  scan: CudaScan,
  sizes: ScanSizes,
  to: { y: CudaTensor; finalState?: CudaTensor; kept?: CudaTensor },
): void {
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, A, B, C, D, z, deltaBias, initialState, deltaSoftplus = false } = scan;
  const index = sequenceIndex(runtime, op, scan.sequenceIds);
  const packed = index ? [index] : [];
  const { chunks, chunkLength } = chunksOf(runtime, sizes);
  const blocks = Math.ceil(channels / blockChannels) * batch;
  const shape = [batch, length, channels, stateSize];
  const slots = chunks > 1 ? runtime.result(op, [chunks, batch, stateSize, channels]) : undefined;
  if (slots) {
    const sums = runtime.result(op, [chunks, batch, channels]);
    const own = [u, delta, A, B, deltaBias, ...packed, slots, sums, ...shape];
    const strides = [u.rowStride, delta.rowStride, B.rowStride];
    const args = [...own, ...strides, deltaSoftplus, chunks, chunkLength];
    const kernel = index ? "selectiveScanChunksPacked" : "selectiveScanChunks";
    runtime.launch(op, kernel, blocks * (chunks - 1), blockChannels, args);
    const carried = { A, sums, start: initialState, index, slots };
    runCarry(runtime, op, carried, sizes, { chunks, chunkLength, backwards: false });
    sums.dispose();
  }
  const strides = [u, delta, B, C, z].map((x) => x?.rowStride ?? 0);
  const tensors = [
    u,
    delta,
    A,
    B,
    C,
    D,
    z,
    deltaBias,
    ...packed,
    initialState,
    slots,
    to.y,
    to.finalState,
    to.kept,
  ];
  const args = [...tensors, ...shape, ...strides, deltaSoftplus, chunks, chunkLength];
  const kernel = index ? "selectiveScanPacked" : "selectiveScan";
  runtime.launch(op, kernel, blocks * chunks, blockChannels, args);
  slots?.dispose();
  index?.dispose();
}

/** Records the step that carries states from chunk to chunk: see selectiveScanCarry.cu. */
export function runCarry(
  runtime: Runtime,
  op: string,
  at: {
    A: CudaTensor;
    sums: CudaTensor;
    start: CudaTensor | undefined;
    index: CudaTensor | undefined;
    slots: CudaTensor;
    end?: CudaTensor | undefined;
  },
  { batch, length, channels, stateSize }: ScanSizes,
  { chunks, chunkLength, backwards }: { chunks: number; chunkLength: number; backwards: boolean },
): void {
  const { A, sums, start, index, slots, end } = at;
  const blocks = Math.ceil(channels / carryBlock) * stateSize * batch;
  if (index) {
    const tensors = [A, sums, start, index, slots, end];
    const args = [...tensors, batch, length, channels, stateSize, chunks, chunkLength, backwards];
    runtime.launch(op, "selectiveScanCarryPacked", blocks, carryBlock, args);
  } else {
    const args = [A, sums, start, slots, end, batch, channels, stateSize, chunks, backwards];
    runtime.launch(op, "selectiveScanCarry", blocks, carryBlock, args);
  }
}
