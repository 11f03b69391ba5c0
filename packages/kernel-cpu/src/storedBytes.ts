import {
  byteLength,
  byteOffset,
  type DType,
  elementCount,
  isQuantized,
  lastExtent,
  type Shape,
} from "@mamba/kernel";

/** Rows of a quantised matrix that are stored together: assembly/quantized/layout.ts. */
const groupRows = 4;

/** Bytes that four rows of 256 columns take beside those of their file: 6-bit scales and minima become bytes. */
const widerScales: Partial<Record<DType, number>> = { q4_k: 16, q5_k: 16 };

/** Bytes of a dense tensor in a heap. Quantised matrices are stored in groups of four rows, the last one padded. */
export function storedBytes(dtype: DType, shape: Shape): number {
  if (!isQuantized(dtype)) return byteLength(dtype, shape);
  const columns = lastExtent(shape);
  const groups = Math.ceil(elementCount(shape) / columns / groupRows);
  return groups * (groupRows * byteOffset(dtype, columns) + (columns / 256) * (widerScales[dtype] ?? 0));
}
