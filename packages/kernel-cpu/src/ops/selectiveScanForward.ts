import { ScanResidual, type ScanSizes } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { runScan, stateShape, writeScan } from "./selectiveScan.ts";

export const selectiveScanForward: Op<"selectiveScanForward"> = (runtime, sizes, scan) => {
  const op = "selectiveScanForward";
  writeScan(runtime, scan, sizes);
  const y = runtime.result(op, scan.u.shape);
  const finalState = runtime.result(op, stateShape(sizes));
  const states = runtime.result(op, residualShape(sizes));
  runScan(runtime, sizes, y, finalState, states);
  return { y, finalState, residual: new ScanResidual(states, sizes) };
};

/** Steps from one saved state to the next: SAVE_STEPS of assembly/scan.ts. */
const saveSteps = 64;

/** The states at chunk boundaries, as assembly/scan.ts lays them out: [B, chunks, registers of four channels, N · 4]. */
function residualShape({ batch, length, channels, stateSize }: ScanSizes): number[] {
  return [batch, Math.ceil(length / saveSteps), Math.ceil(channels / 4), stateSize * 4];
}
