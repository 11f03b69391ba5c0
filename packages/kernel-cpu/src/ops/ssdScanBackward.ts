import type { Op } from "../op.ts";
import type { CpuTensor } from "../tensor.ts";
import { PartialSums } from "./partialSums.ts";
import { ssdInputs } from "./ssdScan.ts";

/** Units that a scan is divided into when it has enough heads: sufficient for the largest number of threads. */
const wantedUnits = 32;

export const ssdScanBackward: Op<"ssdScanBackward"> = (runtime, sizes, dy, args, residual, dFinalState) => {
  const op = "ssdScanBackward";
  const { batch, length, heads, groups, headDim, stateSize } = sizes;
  const result = (like: CpuTensor) => runtime.result(op, like.shape);
  const x = result(args.x);
  const B = result(args.B);
  const C = result(args.C);
  const logDecay = result(args.logDecay);
  const weight = result(args.weight);
  const D = args.D && result(args.D);
  const initialState = args.initialState && result(args.initialState);
  // A unit is a number of heads of one group, and has partial sums [L, N] for dB and dC.
  const groupHeads = heads / groups;
  const unitHeads = Math.ceil(groupHeads / Math.ceil(wantedUnits / (batch * groups)));
  const units = Math.ceil(groupHeads / unitHeads);
  const sums = new PartialSums(runtime, op);
  try {
    const record = {
      ssdInputs: ssdInputs(args, sizes, residual.saved),
      ...{ dy, dyStride: dy.rowStride, dFinalState, unitHeads },
      dx: x,
      dB: sums.add(B, units),
      dC: sums.add(C, units),
      dLogDecay: logDecay,
      dWeight: weight,
      dD: D && sums.add(D, batch),
      dInitialState: initialState,
    };
    runtime.run(op, record, (10 + 0.27 * stateSize) * batch * length * heads * headDim);
    sums.finish();
  } finally {
    sums.free();
  }
  return { x, B, C, logDecay, weight, ...(D && { D }), ...(initialState && { initialState }) };
};
