import { ScanResidual, type ScanSizes } from "@mamba/kernel/author";
import { SCAN_SAVED_STEPS } from "../generated/records.ts";
import type { Op } from "../op.ts";
import { scanInputs, scanNanoseconds, stateShape } from "./selectiveScan.ts";

export const selectiveScanForward: Op<"selectiveScanForward"> = (runtime, sizes, args) => {
  const op = "selectiveScanForward";
  const y = runtime.result(op, args.u.shape);
  const finalState = runtime.result(op, stateShape(sizes));
  const states = runtime.result(op, savedShape(sizes));
  const record = { scanInputs: scanInputs(args, sizes, states), y, finalState };
  runtime.run("selectiveScan", record, scanNanoseconds(sizes));
  return { y, finalState, residual: new ScanResidual(states, sizes) };
};

/** The saved states in the layout of assembly/scanInputs.ts: [B, chunks of time, registers of four channels, N · 4]. */
function savedShape({ batch, length, channels, stateSize }: ScanSizes): number[] {
  return [batch, Math.ceil(length / SCAN_SAVED_STEPS), Math.ceil(channels / 4), stateSize * 4];
}
