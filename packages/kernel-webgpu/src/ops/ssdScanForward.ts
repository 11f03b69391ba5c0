import { SsdResidual } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { chunkCount, runSsdScan } from "../ssd/runSsd.ts";

/** ssdScan, which also keeps the state before each chunk. */
export const ssdScanForward: Op<"ssdScanForward"> = (runtime, sizes, args) => {
  const op = "ssdScanForward";
  const { batch, heads, headDim, stateSize } = sizes;
  const states = [batch, heads, headDim, stateSize];
  const finalState = runtime.result(op, states);
  const slots = runtime.result(op, [chunkCount(sizes) + 1, ...states]);
  const y = runSsdScan(runtime, op, sizes, args, slots, finalState);
  return { y, finalState, residual: new SsdResidual(slots, sizes) };
};
