import { byteOffset, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { Op } from "../op.ts";

export const gatherRows: Op<"gatherRows"> = (runtime, _, x, rows) => {
  const y = runtime.result("gatherRows", [rows.length, ...x.shape.slice(1)], x.dtype);
  const from = x.unpacked().address;
  // The rows of a vector are its elements.
  const [each, width, stride] =
    x.shape.length === 1 ? [1, 1, 1] : [rowCount(x) / (x.shape[0] ?? 1), lastExtent(x.shape), x.rowStride];
  const [rowBytes, strideBytes] = [byteOffset(x.dtype, width), byteOffset(x.dtype, stride)];
  rows.forEach((row, i) => {
    const target = y.address + i * each * rowBytes;
    runtime.wasm.copyRows(target, from + row * each * strideBytes, each, rowBytes, strideBytes);
  });
  return y;
};
