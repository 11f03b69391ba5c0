import { ScanResidual } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { packScan } from "../scan/packScan.ts";
import { runScan, scanChunkLength } from "../scan/runScan.ts";
import { copySlot, fillFirstSlot, splitChannels, statesOf } from "../scan/splitChannels.ts";
import { stateInterval, intervalCount } from "../scan/wgsl.ts";

// The scan, which also keeps its state at every multiple of `stateInterval` positions, for the backward. The first slot holds
// the initial state, the last one the final state. Positions are ranks, and a slot past the last real
// position is undefined: the backward does not read it.
export const selectiveScanForward: Op<"selectiveScanForward"> = (runtime, sizes, args) => {
  const op = "selectiveScanForward";
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, B, C, z, initialState: initial } = args;
  const inputs = { u, delta, B, C, z };
  const packed = packScan(runtime, op, args);
  const y = runtime.result(op, u.shape);
  const finalState = runtime.result(op, [batch, channels, stateSize]);
  const intervals = intervalCount(length);
  const states = runtime.result(op, [intervals + 1, batch, channels, stateSize]);
  for (const chunk of splitChannels(runtime, sizes)) {
    const state = statesOf(states, sizes, chunk);
    fillFirstSlot(runtime, op, state, initial, sizes, chunk);
    // Chunks of positions start at kept states.
    const chunkLength =
      Math.ceil(scanChunkLength(runtime, sizes, chunk.channels) / stateInterval) * stateInterval;
    const work = { state, initial: true, chunkLength, interval: stateInterval, finalSlot: intervals };
    runScan(runtime, op, sizes, chunk, { inputs, packed, y, ...work });
    copySlot(runtime, op, state, intervals, finalState, sizes, chunk);
  }
  packed.tensor.dispose();
  return { y, finalState, residual: new ScanResidual(states, sizes) };
};
