import { lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import { uploadArray } from "../memory/hostArrays.ts";
import type { Op } from "../op.ts";
import { copyRowsInto } from "../shared/copyRows.ts";

export const gatherRows: Op<"gatherRows"> = (runtime, _, x, rows) => {
  const op = "gatherRows";
  const [count = 1, ...rest] = x.shape;
  const result = runtime.result(op, [rows.length, ...rest], x.dtype);
  using index = uploadArray(runtime, op, Int32Array.from(rows), [rows.length], "i32");
  // The rows of a tensor with one axis are its elements.
  using column = rest.length === 0 ? runtime.view(x, [count, 1], 1, x.offset) : undefined;
  const source = column ?? x;
  const rowsPerIndex = rowCount(source) / count;
  const selection = { index, rowsPerIndex };
  copyRowsInto(runtime, op, result, source, rows.length * rowsPerIndex, lastExtent(source.shape), selection);
  return result;
};
