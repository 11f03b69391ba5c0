import { SsdResidual } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { runSsd, statesShape } from "../ssd/runSsd.ts";

export const ssdScanForward: Op<"ssdScanForward"> = (runtime, sizes, args) => {
  const op = "ssdScanForward";
  const { batch, heads, headDim, stateSize } = sizes;
  const y = runtime.result(op, args.x.shape);
  const finalState = runtime.result(op, [batch, heads, headDim, stateSize]);
  const states = runtime.result(op, statesShape(sizes));
  runSsd(runtime, op, args, sizes, { y, finalState, states });
  return { y, finalState, residual: new SsdResidual(states, sizes) };
};
