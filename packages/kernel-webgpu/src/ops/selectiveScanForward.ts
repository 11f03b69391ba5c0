import { ScanResidual } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { chunkLength, chunksOf } from "../wgsl/scan.ts";
import { channelPieces, copySlot, fillFirst, packScan, statesOf } from "./scanChannels.ts";
import { runScan, spanOf } from "./scanSpans.ts";

// The scan, which also keeps its state before each chunk. The first slot has the initial state, the last one the final state;
// those of chunks that begin in padding may have nothing: before the range it is the initial state.
export const selectiveScanForward: Op<"selectiveScanForward"> = (runtime, sizes, args) => {
  const op = "selectiveScanForward";
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, B, C, z, initialState: initial } = args;
  const inputs = { u, delta, B, C, z };
  const small = packScan(runtime, op, args);
  const y = runtime.result(op, u.shape);
  const finalState = runtime.result(op, [batch, channels, stateSize]);
  const chunks = chunksOf(length);
  const states = runtime.result(op, [chunks + 1, batch, channels, stateSize]);
  for (const piece of channelPieces(runtime, sizes)) {
    const state = statesOf(states, sizes, piece);
    fillFirst(runtime, op, state, initial, sizes, piece);
    // Spans begin where chunks do.
    const span = Math.ceil(spanOf(runtime, sizes, piece.channels) / chunkLength) * chunkLength;
    const kept = { state, initial: true, span, every: chunkLength, last: chunks };
    runScan(runtime, op, sizes, piece, { inputs, small, y, ...kept });
    copySlot(runtime, op, state, chunks, finalState, sizes, piece);
  }
  small.tensor.dispose();
  return { y, finalState, residual: new ScanResidual(states, sizes) };
};
