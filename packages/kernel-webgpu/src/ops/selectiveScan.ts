import { nowhere } from "../pack.ts";
import type { Op } from "../op.ts";
import { copySlot, fillFirst, packScan } from "./scanChannels.ts";
import { runScan, spanOf } from "./scanSpans.ts";

export const selectiveScan: Op<"selectiveScan"> = (runtime, sizes, args, want) => {
  const op = "selectiveScan";
  const { batch, length, channels, stateSize } = sizes;
  const { u, delta, B, C, z, initialState: initial } = args;
  const small = packScan(runtime, op, args);
  const y = runtime.result(op, u.shape);
  const finalState = want?.finalState ? runtime.result(op, [batch, channels, stateSize]) : undefined;
  const all = { first: 0, channels };
  const span = spanOf(runtime, sizes, channels);
  const work = { inputs: { u, delta, B, C, z }, small, y, span, every: span };

  if (span < length) {
    const spans = Math.ceil(length / span);
    const slots = runtime.result(op, [spans + 1, batch, channels, stateSize]);
    const state = { tensor: slots, start: 0, count: (spans + 1) * batch * channels * stateSize };
    fillFirst(runtime, op, state, initial, sizes, all);
    runScan(runtime, op, sizes, all, { ...work, state, initial: true, last: spans });
    if (finalState) copySlot(runtime, op, state, spans, finalState, sizes, all);
    slots.dispose();
  } else {
    // The one slot has the initial state, and then the final one.
    if (initial && finalState) {
      const { buffer, bytes } = finalState.storage;
      runtime.commands.copy(op, initial.storage.buffer, 0, buffer, 0, bytes);
    }
    const state = finalState ?? initial;
    const last = finalState ? 0 : nowhere;
    runScan(runtime, op, sizes, all, { ...work, state, initial: initial !== undefined, last });
  }
  small.tensor.dispose();
  return finalState ? { y, finalState } : { y };
};
