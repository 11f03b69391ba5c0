import { byteOffset, isQuantized } from "@mamba/kernel";
import { ExpertPlan, readExperts, tileRows } from "../expertPlan.ts";
import type { Op } from "../op.ts";
import { storedType } from "../packHalves.ts";

export const expertLinear: Op<"expertLinear"> = (runtime, sizes, { x, weight, experts }) => {
  const op = "expertLinear";
  const { rows, perToken, expertCount, inFeatures, outFeatures, shared } = sizes;
  const y = runtime.result(op, [rows, perToken, outFeatures]);
  const ids = readExperts(runtime, experts, expertCount);
  const weightType = storedType(runtime, weight, rows === 1);
  const perRow = shared ? perToken : 1;
  const isRounded = isQuantized(weight.dtype) && runtime.activations === "int8";
  // assembly/quantized/quantizeRows.ts: two bytes for a number, twelve for a block.
  const rowBytes = inFeatures * (2 + 12 / (weight.dtype === "q6_k" ? 16 : 32));
  const most = tileRows(isRounded ? rowBytes / 4 : inFeatures + outFeatures);
  const plan = new ExpertPlan(runtime, ids, expertCount, most);
  const products = rows * perToken * inFeatures * outFeatures;
  // 16 bytes per nanosecond.
  const chosen = new Set(ids).size;
  const reading = byteOffset(weight.dtype, chosen * outFeatures * inFeatures) / 16;
  const common = { weight, y, tileRows: most, inFeatures, outFeatures, weightType };
  try {
    if (isRounded) {
      plan.addQuads(perRow, (lanes) => lanes * rowBytes);
      const rounded = runtime.temporary(op, plan.roundedBytes);
      try {
        const chunk = plan.write(op);
        const { quads, quadsAt, tiles, order } = plan;
        const record = {
          ...{ x, plan: chunk, y: rounded, quads, quadsAt, columns: inFeatures },
          ...{ xStride: x.rowStride, weightType },
        };
        runtime.run("quantizeExpertRows", record, quads * inFeatures);
        const factors = { ...common, x: rounded, plan: chunk, tiles, order };
        // 14 products per nanosecond for single rows, 30 for many.
        runtime.run("expertLinearQuantized", factors, products / (rows === 1 ? 14 : 30));
      } finally {
        runtime.heap.free(rounded);
      }
      return y;
    }
    const chunk = plan.write(op);
    const { tiles, order } = plan;
    const record = { ...common, x, plan: chunk, tiles, order, perRow, xStride: x.rowStride };
    // 36 floating-point operations per nanosecond.
    runtime.run(op, record, Math.max(reading, products / 18));
    return y;
  } finally {
    plan.free();
  }
};
