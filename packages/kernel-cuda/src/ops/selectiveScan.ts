import type { Op } from "../op.ts";
import { runScan } from "../scan/runScan.ts";

export const selectiveScan: Op<"selectiveScan"> = (runtime, sizes, scan, want) => {
  const op = "selectiveScan";
  const y = runtime.result(op, scan.u.shape);
  if (!want?.finalState) {
    runScan(runtime, op, scan, sizes, { y });
    return { y };
  }
  const finalState = runtime.result(op, [sizes.batch, sizes.channels, sizes.stateSize]);
  runScan(runtime, op, scan, sizes, { y, finalState });
  return { y, finalState };
};
