import type { Op } from "../op.ts";
import { runSsd } from "../ssd/runSsd.ts";

export const ssdScan: Op<"ssdScan"> = (runtime, sizes, args, want) => {
  const op = "ssdScan";
  const y = runtime.result(op, args.x.shape);
  if (!want?.finalState) {
    runSsd(runtime, op, args, sizes, { y });
    return { y };
  }
  const { batch, heads, headDim, stateSize } = sizes;
  const finalState = runtime.result(op, [batch, heads, headDim, stateSize]);
  runSsd(runtime, op, args, sizes, { y, finalState });
  return { y, finalState };
};
