import { checkSelectiveScan, type ScanArgs, type ScanSizes, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";

/** Channels of a block: kScanBlock of selectiveScan.cu. */
const blockChannels = 64;
/** From so many blocks on, channels alone keep a large device (132 multiprocessors) busy. */
const enoughBlocks = 128;
/** Blocks of the scan that such a device runs at once. Chunks do not depend on the device: nor do the bits of results. */
const wantedBlocks = 660;
/** Chunks are whole multiples of this: kScanKept of scan.cuh. */
const chunkUnit = 16;
/** Threads of a block of selectiveScanCarry. */
const carryBlock = 128;

export function selectiveScan(
  runtime: Runtime,
  scan: ScanArgs,
  want?: { finalState: true },
): { y: Tensor; finalState?: Tensor } {
  const sizes = checkSelectiveScan(scan);
  const op = "selectiveScan";
  runtime.checkOpen(op);
  const inputs = scanInputs(runtime, op, scan);
  const y = runtime.result(op, scan.u.shape);
  if (!want?.finalState) {
    runScan(runtime, op, inputs, sizes, { y });
    return { y };
  }
  const finalState = runtime.result(op, [sizes.batch, sizes.channels, sizes.stateSize]);
  runScan(runtime, op, inputs, sizes, { y, finalState });
  return { y, finalState };
}

export type ScanInputs = ReturnType<typeof scanInputs>;

/** The arguments of a scan as ours. */
export function scanInputs(runtime: Runtime, op: string, scan: ScanArgs) {
  return {
    u: runtime.own(op, "u", scan.u),
    delta: runtime.own(op, "delta", scan.delta),
    A: runtime.own(op, "A", scan.A),
    B: runtime.own(op, "B", scan.B),
    C: runtime.own(op, "C", scan.C),
    D: runtime.ownIf(op, "D", scan.D),
    z: runtime.ownIf(op, "z", scan.z),
    deltaBias: runtime.ownIf(op, "deltaBias", scan.deltaBias),
    initialState: runtime.ownIf(op, "initialState", scan.initialState),
    range: runtime.ownIf(op, "range", scan.range),
    softplus: scan.deltaSoftplus ?? false,
  };
}

/** How time is cut: into one chunk where there are channels enough, as a scan of chunks takes every exponential twice. */
function chunksOf({ batch, length, channels }: ScanSizes): { chunks: number; chunkLength: number } {
  const blocks = batch * Math.ceil(channels / blockChannels);
  if (blocks >= enoughBlocks) return { chunks: 1, chunkLength: length };
  const most = Math.max(1, Math.floor(wantedBlocks / blocks));
  const chunkLength = Math.max(2, Math.ceil(Math.ceil(length / most) / chunkUnit)) * chunkUnit;
  return { chunks: Math.ceil(length / chunkLength), chunkLength };
}

/**
 * Records a scan.
 *
 * @param to where its results go; `kept` [ceil(L/16), B, N, D] are the states before every 16th position
 */
export function runScan(
  runtime: Runtime,
  op: string,
  inputs: ScanInputs,
  sizes: ScanSizes,
  to: { y: CudaTensor; finalState?: CudaTensor; kept?: CudaTensor },
): void {
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, A, B, C, D, z, deltaBias, initialState, range, softplus } = inputs;
  const { chunks, chunkLength } = chunksOf(sizes);
  const blocks = Math.ceil(channels / blockChannels) * batch;
  const shape = [batch, length, channels, stateSize];
  const slots = chunks > 1 ? runtime.result(op, [chunks, batch, stateSize, channels]) : undefined;
  if (slots) {
    const sums = runtime.result(op, [chunks, batch, channels]);
    const own = [u, delta, A, B, deltaBias, range, slots, sums, ...shape];
    const strides = [u.rowStride, delta.rowStride, B.rowStride];
    const args = [...own, ...strides, softplus, chunks, chunkLength];
    runtime.launch(op, "selectiveScanChunks", blocks * (chunks - 1), blockChannels, args);
    runCarry(runtime, op, { A, sums, start: initialState, slots }, sizes, chunks, false);
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
    range,
    initialState,
    slots,
    to.y,
    to.finalState,
    to.kept,
  ];
  const args = [...tensors, ...shape, ...strides, softplus, chunks, chunkLength];
  runtime.launch(op, "selectiveScan", blocks * chunks, blockChannels, args);
  slots?.dispose();
}

/** Records how chunks follow each other: see selectiveScanCarry.cu. */
export function runCarry(
  runtime: Runtime,
  op: string,
  at: {
    A: CudaTensor;
    sums: CudaTensor;
    start: CudaTensor | undefined;
    slots: CudaTensor;
    end?: CudaTensor | undefined;
  },
  { batch, channels, stateSize }: ScanSizes,
  chunks: number,
  backwards: boolean,
): void {
  const blocks = Math.ceil(channels / carryBlock) * stateSize * batch;
  const args = [at.A, at.sums, at.start, at.slots, at.end, batch, channels, stateSize, chunks, backwards];
  runtime.launch(op, "selectiveScanCarry", blocks, carryBlock, args);
}
