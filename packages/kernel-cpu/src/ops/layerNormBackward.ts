import { rowStatisticsBytes } from "../generated/records.ts";
import type { Op } from "../op.ts";
import { addRows } from "./sumRows.ts";

export const layerNormBackward: Op<"layerNormBackward"> = (runtime, sizes, dy, x, weight, bias, eps) => {
  const op = "layerNormBackward";
  const { rows, features } = sizes;
  const dx = runtime.result(op, x.shape);
  const dWeight = weight && runtime.result(op, [features]);
  const dBias = bias && runtime.result(op, [features]);
  const [dyStride, xStride] = [dy.rowStride, x.rowStride];
  const statistics = dWeight && runtime.temporary(op, rows * rowStatisticsBytes);
  try {
    const record = { dy, x, weight, dx, statistics, rows, features, dyStride, xStride, eps };
    runtime.run(op, record, 1.6 * rows * features);
    if (dWeight && statistics) {
      const columnSums = { x, y: dWeight, rows, features, xStride };
      const sums = { columnSums, w: dy, scales: statistics, wStride: dyStride };
      runtime.run("layerNormBackwardWeight", sums, 0.6 * rows * features);
    }
    if (dBias) addRows(runtime, dy, dBias, rows, features, dyStride);
  } finally {
    if (statistics) runtime.heap.free(statistics);
  }
  return { dx, ...(dWeight && { dWeight }), ...(dBias && { dBias }) };
};
