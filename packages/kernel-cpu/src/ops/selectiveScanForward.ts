import { checkSelectiveScanForward, type Residual, type ScanArgs, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { ScanResidual } from "../residual.ts";
import { runScan, stateShape, writeScan } from "./selectiveScan.ts";

export function selectiveScanForward(
  runtime: Runtime,
  scan: ScanArgs,
): { y: Tensor; finalState: Tensor; residual: Residual } {
  const sizes = checkSelectiveScanForward(scan);
  const op = "selectiveScanForward";
  runtime.checkOpen(op);
  writeScan(runtime, op, scan, sizes);
  const y = runtime.result(op, scan.u.shape);
  const finalState = runtime.result(op, stateShape(sizes));
  const states = runtime.result(op, ScanResidual.shapeFor(sizes));
  runScan(runtime, sizes, y, finalState, states);
  return { y, finalState, residual: new ScanResidual(states, sizes) };
}
