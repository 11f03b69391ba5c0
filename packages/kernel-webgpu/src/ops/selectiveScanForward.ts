import {
  checkSelectiveScanForward,
  type Residual,
  type ScanArgs,
  ScanResidual,
  type Tensor,
} from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { chunkLength, chunksOf } from "../wgsl/scan.ts";
import { channelPieces, copySlot, fillFirst, packScan, scanInputs, statesOf } from "./scanChannels.ts";
import { runScan, spanOf } from "./scanSpans.ts";

// The scan, which also keeps its state before each chunk. The first slot has the initial state, the last one the final state;
// those of chunks that begin in padding may have nothing: before the range it is the initial state.
export function selectiveScanForward(
  runtime: Runtime,
  scan: ScanArgs,
): { y: Tensor; finalState: Tensor; residual: Residual } {
  const sizes = checkSelectiveScanForward(scan);
  const { batch, length, channels, stateSize } = sizes;
  const op = "selectiveScanForward";
  runtime.checkOpen(op);
  const inputs = scanInputs(runtime, op, scan);
  const initial = runtime.ownIf(op, "initialState", scan.initialState);
  const small = packScan(runtime, op, scan);
  const y = runtime.result(op, scan.u.shape);
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
}
