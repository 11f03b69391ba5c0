import type { Op } from "../op.ts";
import { discretizeInputs } from "./discretize.ts";
import { PartialSums } from "./partialSums.ts";

/** Rows of a unit: few enough that float32 sums stay accurate. */
const unitRows = 64;

export const discretizeBackward: Op<"discretizeBackward"> = (runtime, sizes, dy, args) => {
  const op = "discretizeBackward";
  const { rows, heads } = sizes;
  const dt = runtime.result(op, args.dt.shape);
  const bias = args.bias && runtime.result(op, [heads]);
  const A = runtime.result(op, [heads]);
  const units = Math.ceil(rows / unitRows);
  const sums = new PartialSums(runtime, op);
  try {
    const record = {
      discretizeInputs: discretizeInputs(args, sizes),
      ...{ dy, dyStride: dy.rowStride, dDt: dt, unitRows },
      dA: sums.add(A, units),
      dBias: bias && sums.add(bias, units),
    };
    runtime.run(op, record, 6 * rows * heads);
    sums.finish();
  } finally {
    sums.free();
  }
  return { dt, A, ...(bias && { bias }) };
};
