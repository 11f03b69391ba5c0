import { byteLength, isQuantized } from "@mamba/kernel";
import type { Op } from "../op.ts";
import { storedType } from "../packHalves.ts";

export const linear: Op<"linear"> = (runtime, sizes, x, weight, bias) => {
  const { rows, inFeatures, outFeatures, shape } = sizes;
  const y = runtime.result("linear", shape);
  const weightType = storedType(runtime, weight, rows === 1);
  const { rowStride: xStride } = x;
  const products = rows * inFeatures * outFeatures;
  // 16 bytes per nanosecond.
  const reading = byteLength(weight.dtype, weight.shape) / 16;
  if (isQuantized(weight.dtype) && runtime.activations === "int8") {
    const rounded = runtime.temporary("linear", roundedBytes(rows, inFeatures));
    try {
      const record = { x, y: rounded, rows, columns: inFeatures, xStride, weightType };
      runtime.run("quantizeRows", record, rows * inFeatures);
      const factors = { x: rounded, weight, bias, y, rows, inFeatures, outFeatures, weightType };
      // 14 products per nanosecond for one row, 30 for many.
      runtime.run("linearQuantized", factors, products / (rows === 1 ? 14 : 30));
    } finally {
      runtime.heap.free(rounded);
    }
    return y;
  }
  const record = { x, weight, bias, y, rows, inFeatures, outFeatures, xStride, weightType };
  // 36 floating-point operations per nanosecond.
  runtime.run("linear", record, Math.max(reading, products / 18));
  return y;
};

/** Bytes of `rows` rows of x in int8: assembly/quantized/quantizeRows.ts. */
function roundedBytes(rows: number, columns: number): number {
  const lanes = rows === 1 ? 1 : 4 * Math.ceil(rows / 4);
  return lanes * columns * 2.75;
}
