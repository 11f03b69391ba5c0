import { GATED_NORM_UNIT_ROWS } from "../generated/records.ts";
import type { Op } from "../op.ts";
import { gatedNormInputs } from "./gatedRmsNorm.ts";
import { PartialSums } from "./partialSums.ts";

export const gatedRmsNormBackward: Op<"gatedRmsNormBackward"> = (runtime, sizes, dy, args) => {
  const op = "gatedRmsNormBackward";
  const { rows, features } = sizes;
  const x = runtime.result(op, args.x.shape);
  const z = runtime.result(op, args.z.shape);
  const weight = runtime.result(op, [features]);
  const sums = new PartialSums(runtime, op);
  try {
    const record = {
      gatedNormInputs: gatedNormInputs(args, sizes),
      ...{ dy, dyStride: dy.rowStride, dx: x, dz: z },
      dWeight: sums.add(weight, Math.ceil(rows / GATED_NORM_UNIT_ROWS)),
    };
    runtime.run(op, record, 4 * rows * features);
    sums.finish();
  } finally {
    sums.free();
  }
  return { x, z, weight };
};
