import {
  checkSelectiveScanForward,
  type Residual,
  type ScanArgs,
  ScanResidual,
  type Tensor,
} from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { runScan, scanInputs } from "./selectiveScan.ts";

/** Positions from one state that is kept to the next: kScanKept of scan.cuh. */
export const keptEvery = 16;

export function selectiveScanForward(
  runtime: Runtime,
  scan: ScanArgs,
): { y: Tensor; finalState: Tensor; residual: Residual } {
  const sizes = checkSelectiveScanForward(scan);
  const op = "selectiveScanForward";
  runtime.checkOpen(op);
  const { batch, length, channels, stateSize } = sizes;
  const inputs = scanInputs(runtime, op, scan);
  const y = runtime.result(op, scan.u.shape);
  const finalState = runtime.result(op, [batch, channels, stateSize]);
  const kept = runtime.result(op, [Math.ceil(length / keptEvery), batch, stateSize, channels]);
  runScan(runtime, op, inputs, sizes, { y, finalState, kept });
  return { y, finalState, residual: new ScanResidual(kept, sizes) };
}
