import { ExpertPlan, readExperts, tileRows } from "../expertPlan.ts";
import type { Op } from "../op.ts";

export const expertLinearBackwardInput: Op<"expertLinearBackwardInput"> = (
  runtime,
  sizes,
  dy,
  weight,
  experts,
) => {
  const op = "expertLinearBackwardInput";
  const { rows, perToken, expertCount, inFeatures, outFeatures } = sizes;
  const dx = runtime.result(op, [rows, perToken, inFeatures]);
  const ids = readExperts(runtime, experts, expertCount);
  const most = tileRows(outFeatures);
  const plan = new ExpertPlan(runtime, ids, expertCount, most);
  try {
    const chunk = plan.write(op);
    const { tiles, order } = plan;
    const record = {
      ...{ dy, weight: weight.unpacked(), plan: chunk, dx, tiles, order, tileRows: most },
      ...{ inFeatures, outFeatures, dyStride: dy.rowStride, weightType: weight.dtype },
    };
    // 32 floating-point operations per nanosecond.
    runtime.run(op, record, (rows * perToken * inFeatures * outFeatures) / 16);
  } finally {
    plan.free();
  }
  return dx;
};
