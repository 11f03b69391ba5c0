import type { ScanArgs } from "@mamba/kernel";
import type { Owned, ScanSizes } from "@mamba/kernel/author";
import type { Slice } from "../dispatcher.ts";
import { nowhere, pack } from "../pack.ts";
import type { Runtime } from "../runtime.ts";
import type { WebGpuTensor } from "../tensor.ts";
import { chunksOf } from "../wgsl/scan.ts";

/** Channels [first, first + channels) of a scan. */
export interface ChannelPiece {
  readonly first: number;
  readonly channels: number;
}

/**
 * The channels of a scan for training in as many pieces as the largest binding asks for: what its backward holds for a while
 * is several times as large as its arguments. Pieces are whole workgroups, and one at the least. Forward and backward agree on
 * them: the states between are laid out piece by piece.
 */
export function channelPieces(runtime: Runtime, sizes: ScanSizes): ChannelPiece[] {
  const { batch, length, channels, stateSize } = sizes;
  const rows = batch * length;
  const steps = 3 * rows;
  const states = (chunksOf(length) + 1) * batch * stateSize;
  const sumsBC = (2 * rows * stateSize) / 64;
  const most = Math.max(1, Math.floor(runtime.pieceBytes / 4 / 64 / Math.max(steps, states, sumsBC))) * 64;
  const pieces: ChannelPiece[] = [];
  for (let first = 0; first < channels; first += most) {
    pieces.push({ first, channels: Math.min(most, channels - first) });
  }
  return pieces;
}

/** A piece of `states`, which has the slots [chunks + 1, B, channels, N] of the pieces behind each other. */
export function statesOf(states: WebGpuTensor, sizes: ScanSizes, { first, channels }: ChannelPiece): Slice {
  const each = (chunksOf(sizes.length) + 1) * sizes.batch * sizes.stateSize;
  return { tensor: states, start: each * first, count: each * channels };
}

/** Puts the piece of `state` [B, D, N], or zeros, into the first slot. */
export function fillFirst(
  runtime: Runtime,
  op: string,
  { tensor, start }: Slice,
  state: WebGpuTensor | undefined,
  sizes: ScanSizes,
  piece: ChannelPiece,
): void {
  const { commands } = runtime;
  const { buffer } = tensor.storage;
  if (state) {
    eachRun(sizes, piece, (whole, part, bytes) => {
      commands.copy(op, state.storage.buffer, whole, buffer, start * 4 + part, bytes);
    });
  } else {
    commands.clear(op, buffer, start * 4, sizes.batch * piece.channels * sizes.stateSize * 4);
  }
  commands.write(tensor.storage);
}

/** Copies a slot over the piece of `state` [B, D, N]. */
export function copySlot(
  runtime: Runtime,
  op: string,
  { tensor, start }: Slice,
  slot: number,
  state: WebGpuTensor,
  sizes: ScanSizes,
  piece: ChannelPiece,
): void {
  const { commands } = runtime;
  const from = (start + slot * sizes.batch * piece.channels * sizes.stateSize) * 4;
  eachRun(sizes, piece, (whole, part, bytes) => {
    commands.copy(op, tensor.storage.buffer, from + part, state.storage.buffer, whole, bytes);
  });
  commands.write(state.storage);
}

/** Where what is in one run in [B, D, N] stands there and in the [B, channels, N] of a piece, and how long it is. In bytes. */
function eachRun(
  { batch, channels, stateSize }: ScanSizes,
  piece: ChannelPiece,
  copy: (whole: number, part: number, bytes: number) => void,
): void {
  const bytes = piece.channels * stateSize * 4;
  if (piece.channels === channels) {
    copy(0, 0, batch * bytes);
    return;
  }
  for (let b = 0; b < batch; b++) copy((b * channels + piece.first) * stateSize * 4, b * bytes, bytes);
}

/** The small arguments of a scan, as its shaders want them. */
export interface PackedScan {
  readonly tensor: WebGpuTensor;
  readonly params: Readonly<Record<"skip_at" | "bias_at" | "range_at" | "softplus", number>>;
}

/** A, D, deltaBias and range in one buffer, and where each is. The caller disposes the tensor. */
export function packScan(runtime: Runtime, op: string, scan: Owned<ScanArgs, WebGpuTensor>): PackedScan {
  const { tensor, at } = pack(runtime, op, [scan.A, scan.D, scan.deltaBias, scan.range]);
  const [, skip_at = nowhere, bias_at = nowhere, range_at = nowhere] = at;
  return { tensor, params: { skip_at, bias_at, range_at, softplus: scan.deltaSoftplus ? 1 : 0 } };
}
