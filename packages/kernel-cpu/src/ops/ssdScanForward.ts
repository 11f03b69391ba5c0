import { SsdResidual } from "@mamba/kernel/author";
import { SSD_SAVED_STEPS } from "../generated/records.ts";
import type { Op } from "../op.ts";
import { ssdInputs, ssdNanoseconds, ssdStateShape } from "./ssdScan.ts";

export const ssdScanForward: Op<"ssdScanForward"> = (runtime, sizes, args) => {
  const op = "ssdScanForward";
  const { batch, length, heads, headDim, stateSize } = sizes;
  const y = runtime.result(op, args.x.shape);
  const finalState = runtime.result(op, ssdStateShape(sizes));
  const chunks = Math.ceil(length / SSD_SAVED_STEPS);
  const states = runtime.result(op, [batch, chunks, heads, headDim, stateSize]);
  const record = { ssdInputs: ssdInputs(args, sizes, states), y, finalState };
  runtime.run("ssdScan", record, ssdNanoseconds(sizes));
  return { y, finalState, residual: new SsdResidual(states, sizes) };
};
