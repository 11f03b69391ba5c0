import { byteOffset } from "@mamba/kernel";
import { absentOffset } from "../memory/packs.ts";
import type { Op } from "../op.ts";
import { packScan } from "../scan/packScan.ts";
import { runScan, scanChunkLength } from "../scan/runScan.ts";
import { copySlot, fillFirstSlot } from "../scan/splitChannels.ts";

// The shaders and their formula are in scan/forwardShaders.ts.
export const selectiveScan: Op<"selectiveScan"> = (runtime, sizes, args, want) => {
  const op = "selectiveScan";
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, B, C, z, initialState: initial } = args;
  const packed = packScan(runtime, op, args);
  const y = runtime.result(op, u.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, stateSize]) : undefined;
  const allChannels = { first: 0, channels };
  const chunkLength = scanChunkLength(runtime, sizes, channels);
  const work = { inputs: { u, delta, B, C, z }, packed, y, chunkLength, interval: chunkLength };
  if (chunkLength < length) {
    const chunks = Math.ceil(length / chunkLength);
    const slots = runtime.result(op, [chunks + 1, batch, channels, stateSize]);
    const state = { tensor: slots, start: 0, count: (chunks + 1) * batch * channels * stateSize };
    fillFirstSlot(runtime, op, state, initial, sizes, allChannels);
    runScan(runtime, op, sizes, allChannels, { ...work, state, initial: true, finalSlot: chunks });
    if (finalState) copySlot(runtime, op, state, chunks, finalState, sizes, allChannels);
    slots.dispose();
  } else {
    // The one slot holds the initial state, which the scan overwrites with the final one.
    if (initial && finalState) {
      const { buffer, bytes } = finalState.storage;
      const from = byteOffset("f32", initial.offset);
      runtime.commands.copy(op, initial.storage.buffer, from, buffer, 0, bytes);
    }
    const state = finalState ?? initial;
    const finalSlot = finalState ? 0 : absentOffset;
    runScan(runtime, op, sizes, allChannels, { ...work, state, initial: initial !== undefined, finalSlot });
  }
  packed.tensor.dispose();
  return finalState ? { y, finalState } : { y };
};
