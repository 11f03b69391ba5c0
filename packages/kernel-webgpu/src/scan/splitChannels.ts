import { byteOffset } from "@mamba/kernel";
import type { ScanSizes } from "@mamba/kernel/author";
import type { TensorChunk } from "../commands/dispatcher.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { intervalCount } from "./wgsl.ts";

/** Channels [first, first + channels) of a scan. */
export interface ChannelChunk {
  readonly first: number;
  readonly channels: number;
}

/**
 * Splits the channels of a scan for training so that the temporaries of its backward fit the largest binding: they are
 * several times as large as its arguments. A chunk holds whole workgroups, at least one. The forward and the backward use the
 * same chunks, because the kept states are laid out chunk by chunk.
 */
export function splitChannels(runtime: Runtime, sizes: ScanSizes): ChannelChunk[] {
  const { batch, length, channels, stateSize } = sizes;
  const rows = batch * length;
  const steps = 3 * rows;
  const states = (intervalCount(length) + 1) * batch * stateSize;
  const sumsBC = (2 * rows * stateSize) / 64;
  const groupBytes = byteOffset("f32", 64);
  const most =
    Math.max(1, Math.floor(runtime.chunkBytes / groupBytes / Math.max(steps, states, sumsBC))) * 64;
  const chunks: ChannelChunk[] = [];
  for (let first = 0; first < channels; first += most) {
    chunks.push({ first, channels: Math.min(most, channels - first) });
  }
  return chunks;
}

/** Returns the kept states of a chunk of channels. `states` holds [intervals + 1, B, channels, N] of each chunk in turn. */
export function statesOf(
  states: WebGpuTensor,
  sizes: ScanSizes,
  { first, channels }: ChannelChunk,
): TensorChunk {
  const perChannel = (intervalCount(sizes.length) + 1) * sizes.batch * sizes.stateSize;
  return { tensor: states, start: perChannel * first, count: perChannel * channels };
}

/** Copies the channels of `state` [B, D, N] to slot 0 of `slots` [slots, B, channels, N]; zeros when there is no state. */
export function fillFirstSlot(
  runtime: Runtime,
  op: string,
  { tensor, start }: TensorChunk,
  state: WebGpuTensor | undefined,
  sizes: ScanSizes,
  chunk: ChannelChunk,
): void {
  const { commands } = runtime;
  const { buffer } = tensor.storage;
  const slotAt = byteOffset("f32", start);
  if (state) {
    const from = byteOffset("f32", state.offset);
    forEachRange(sizes, chunk, (stateAt, at, bytes) => {
      commands.copy(op, state.storage.buffer, from + stateAt, buffer, slotAt + at, bytes);
    });
  } else {
    commands.clear(op, buffer, slotAt, byteOffset("f32", sizes.batch * chunk.channels * sizes.stateSize));
  }
  commands.write(tensor.storage);
}

/** Copies a slot of `slots` [slots, B, channels, N] to the channels of `state` [B, D, N]. */
export function copySlot(
  runtime: Runtime,
  op: string,
  { tensor, start }: TensorChunk,
  slot: number,
  state: WebGpuTensor,
  sizes: ScanSizes,
  chunk: ChannelChunk,
): void {
  const { commands } = runtime;
  const slotAt = byteOffset("f32", start + slot * sizes.batch * chunk.channels * sizes.stateSize);
  forEachRange(sizes, chunk, (stateAt, at, bytes) => {
    commands.copy(op, tensor.storage.buffer, slotAt + at, state.storage.buffer, stateAt, bytes);
  });
  commands.write(state.storage);
}

/**
 * Calls `copy` for each contiguous range of bytes that [B, D, N] and the [B, channels, N] of a chunk share, with the start of
 * the range in each.
 */
function forEachRange(
  { batch, channels, stateSize }: ScanSizes,
  chunk: ChannelChunk,
  copy: (stateAt: number, slotAt: number, bytes: number) => void,
): void {
  const bytes = byteOffset("f32", chunk.channels * stateSize);
  if (chunk.channels === channels) {
    copy(0, 0, batch * bytes);
    return;
  }
  for (let b = 0; b < batch; b++) {
    copy(byteOffset("f32", (b * channels + chunk.first) * stateSize), b * bytes, bytes);
  }
}
