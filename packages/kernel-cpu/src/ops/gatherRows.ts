import { byteOffset, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { Op } from "../op.ts";
import { copyRows } from "./copyDense.ts";

export const gatherRows: Op<"gatherRows"> = (runtime, _, x, rows) => {
  const y = runtime.result("gatherRows", [rows.length, ...x.shape.slice(1)], x.dtype);
  // The rows of a vector are its elements.
  const [each, width, stride] =
    x.shape.length === 1 ? [1, 1, 1] : [rowCount(x) / (x.shape[0] ?? 1), lastExtent(x.shape), x.rowStride];
  const [rowBytes, strideBytes] = [byteOffset(x.dtype, width), byteOffset(x.dtype, stride)];
  const { localAddress, storage } = x.unpacked();
  rows.forEach((row, i) => {
    copyRows(runtime.main, y.address + i * each * rowBytes, {
      instance: storage.instance,
      address: localAddress + row * each * strideBytes,
      rows: each,
      rowBytes,
      stride: strideBytes,
    });
  });
  return y;
};
