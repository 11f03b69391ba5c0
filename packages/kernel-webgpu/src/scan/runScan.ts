import type { ScanSizes } from "@mamba/kernel/author";
import type { BufferArgument } from "../commands/dispatcher.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { scanCarryShader, scanChunkEndsShader, selectiveScanShader } from "./forwardShaders.ts";
import type { PackedScan } from "./packScan.ts";
import type { ChannelChunk } from "./splitChannels.ts";
import { stateInterval } from "./wgsl.ts";

/**
 * Invocations that keep a GPU busy. WebGPU does not report how many a device runs at the same time: on GPUs it is some
 * thousands to some hundred thousands. The three constants are estimates, not measured on a GPU.
 */
const busyInvocations = 16384;

/** Positions in the shortest useful chunk: the carry goes over the chunks one by one, so its time grows with their number. */
const minChunkLength = 64;

/** A scan in chunks computes every exponential twice, so fewer chunks than this save little time. */
const minChunks = 4;

/**
 * The number of positions that one invocation scans on a GPU: `length` when the channels of all rows keep it busy, otherwise
 * a shorter chunk.
 */
export function chunkLengthFor({ batch, length }: ScanSizes, channels: number): number {
  const chunks = Math.min(
    Math.floor(busyInvocations / (batch * channels)),
    Math.floor(length / minChunkLength),
  );
  return chunks < minChunks ? length : Math.ceil(length / chunks / stateInterval) * stateInterval;
}

/**
 * The number of positions that one invocation scans on this device: always `length` on a software adapter, and where the bits
 * must not depend on the chunks.
 */
export function scanChunkLength(runtime: Runtime, sizes: ScanSizes, channels: number): number {
  const { length } = sizes;
  if (runtime.scanChunk !== undefined) return Math.min(runtime.scanChunk, length);
  const { parallel, batchInvariant } = runtime.traits;
  return parallel && !batchInvariant ? chunkLengthFor(sizes, channels) : length;
}

/** Inputs and outputs of a scan. */
export interface ScanWork {
  readonly inputs: {
    readonly u: WebGpuTensor;
    readonly delta: WebGpuTensor;
    readonly B: WebGpuTensor;
    readonly C: WebGpuTensor;
    readonly z: WebGpuTensor | undefined;
  };
  readonly packed: PackedScan;
  readonly y: WebGpuTensor;
  /** [slots, B, D, N]: slot 0 holds the initial state if there is one. */
  readonly state: BufferArgument;
  /** True when slot 0 holds an initial state; otherwise the scan starts from 0. */
  readonly initial: boolean;
  readonly chunkLength: number;
  /** Positions from one slot to the next. */
  readonly interval: number;
  /** The slot for the final state. */
  readonly finalSlot: number;
}

/** Records the scan of some channels, in one or several chunks of positions. */
export function runScan(
  runtime: Runtime,
  op: string,
  { batch, length, stateSize }: ScanSizes,
  { first, channels }: ChannelChunk,
  { inputs, packed, y, state, initial, chunkLength, interval, finalSlot }: ScanWork,
): void {
  const channelGroups = Math.ceil(channels / 64);
  const chunks = Math.ceil(length / chunkLength);
  const slots = chunkLength / interval;
  const params = {
    ...{ batch, length, channels, first, stateSize, channelGroups, chunkLength, chunks, slots },
    ...packed.params,
  };
  if (chunks > 1) {
    const { u, delta, B } = inputs;
    const count = chunks - 1;
    const sums = runtime.result(op, [count, batch, channels]);
    const ends = { u, delta, B, packed: packed.tensor, state, sums };
    runtime.run(
      op,
      scanChunkEndsShader(stateSize, packed.sequences),
      ends,
      params,
      batch * count * channelGroups,
    );
    const stateGroups = Math.ceil((channels * stateSize) / 64);
    runtime.run(
      op,
      scanCarryShader(packed.sequences),
      { packed: packed.tensor, sums, state },
      { ...params, stateGroups, count, backwards: 0 },
      batch * stateGroups,
    );
    sums.dispose();
  }
  runtime.run(
    op,
    selectiveScanShader(stateSize, packed.sequences),
    { ...inputs, packed: packed.tensor, state, y },
    { ...params, initial: initial ? 1 : 0, interval, finalSlot },
    batch * chunks * channelGroups,
  );
}
