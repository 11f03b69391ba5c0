import { ExpertPlan, readExperts } from "../expertPlan.ts";
import type { Op } from "../op.ts";

export const expertLinearBackwardWeight: Op<"expertLinearBackwardWeight"> = (
  runtime,
  sizes,
  dy,
  x,
  experts,
) => {
  const op = "expertLinearBackwardWeight";
  const { rows, perToken, expertCount, inFeatures, outFeatures, shared } = sizes;
  const dWeight = runtime.result(op, [expertCount, outFeatures, inFeatures]);
  const ids = readExperts(runtime, experts, expertCount);
  const plan = new ExpertPlan(runtime, ids, expertCount, Infinity);
  try {
    const chunk = plan.write(op);
    const { tiles, order } = plan;
    const record = {
      ...{
        dy,
        x,
        plan: chunk,
        dWeight,
        tiles,
        order,
        perRow: shared ? perToken : 1,
        inFeatures,
        outFeatures,
      },
      ...{ dyStride: dy.rowStride, xStride: x.rowStride },
    };
    // 32 floating-point operations per nanosecond, and 4 bytes written.
    const writing = expertCount * inFeatures * outFeatures;
    runtime.run(op, record, writing + (rows * perToken * inFeatures * outFeatures) / 16);
  } finally {
    plan.free();
  }
  return dWeight;
};
