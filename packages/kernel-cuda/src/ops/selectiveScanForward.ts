import { ScanResidual } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { runScan } from "../scan/runScan.ts";

/** The state before every 16th position is kept for the backward: kScanKept of scan.cuh. */
export const keptEvery = 16;

export const selectiveScanForward: Op<"selectiveScanForward"> = (runtime, sizes, scan) => {
  const op = "selectiveScanForward";
  const { batch, length, channels, stateSize } = sizes;
  const y = runtime.result(op, scan.u.shape);
  const finalState = runtime.result(op, [batch, channels, stateSize]);
  const kept = runtime.result(op, [Math.ceil(length / keptEvery), batch, stateSize, channels]);
  runScan(runtime, op, scan, sizes, { y, finalState, kept });
  return { y, finalState, residual: new ScanResidual(kept, sizes) };
};
