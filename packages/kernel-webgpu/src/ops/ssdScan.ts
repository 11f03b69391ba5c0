import type { Op } from "../op.ts";
import { chunkCount, runSsdScan } from "../ssd/runSsd.ts";

// Chunks of 64 positions as products of matrices: the shaders and their formulas are in ssd/.
export const ssdScan: Op<"ssdScan"> = (runtime, sizes, args, want) => {
  const op = "ssdScan";
  const { batch, heads, headDim, stateSize } = sizes;
  const states = [batch, heads, headDim, stateSize];
  const finalState = want?.finalState ? runtime.result(op, states) : undefined;
  const slots = runtime.result(op, [chunkCount(sizes) + 1, ...states]);
  const y = runSsdScan(runtime, op, sizes, args, slots, finalState);
  slots.dispose();
  return finalState ? { y, finalState } : { y };
};
