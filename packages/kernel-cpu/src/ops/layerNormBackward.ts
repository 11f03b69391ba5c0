import { LAYER_NORM_UNIT_ROWS } from "../generated/records.ts";
import type { Op } from "../op.ts";
import { PartialSums } from "./partialSums.ts";

export const layerNormBackward: Op<"layerNormBackward"> = (runtime, sizes, dy, x, weight, bias, eps) => {
  const op = "layerNormBackward";
  const { rows, features } = sizes;
  const dx = runtime.result(op, x.shape);
  const dWeight = weight && runtime.result(op, [features]);
  const dBias = bias && runtime.result(op, [features]);
  const units = Math.ceil(rows / LAYER_NORM_UNIT_ROWS);
  const sums = new PartialSums(runtime, op);
  try {
    const record = {
      ...{ dy, x, weight, dx, rows, features, dyStride: dy.rowStride, xStride: x.rowStride, eps },
      dWeight: dWeight && sums.add(dWeight, units),
      dBias: dBias && sums.add(dBias, units),
    };
    runtime.run(op, record, 1.6 * rows * features);
    sums.finish();
  } finally {
    sums.free();
  }
  return { dx, ...(dWeight && { dWeight }), ...(dBias && { dBias }) };
};
