import { rowCount } from "@mamba/kernel/author";
import { copyRowsInto } from "../copyRows.ts";
import type { Op } from "../op.ts";
import { uploaded } from "../upload.ts";

export const gatherRows: Op<"gatherRows"> = (runtime, _sizes, x, rows) => {
  const op = "gatherRows";
  const [extent = 1, ...rest] = x.shape;
  const result = runtime.result(op, [rows.length, ...rest], x.dtype);
  using index = uploaded(runtime, op, Int32Array.from(rows), [rows.length], "i32");
  // The rows of a tensor with one axis are its elements.
  using column = rest.length === 0 ? runtime.view(x, [extent, 1], 1, x.offset) : undefined;
  const source = column ?? x;
  const each = rowCount(source) / extent;
  copyRowsInto(runtime, op, result, source, rows.length * each, { index, each });
  return result;
};
