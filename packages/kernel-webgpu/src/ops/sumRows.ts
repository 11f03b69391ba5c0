import type { Op } from "../op.ts";
import { addRows } from "../shared/addRows.ts";

// sum[i] = the sum of dy[r, i] over all rows r
export const sumRows: Op<"sumRows"> = (runtime, { rows, features }, dy) => {
  const sum = runtime.result("sumRows", [features]);
  addRows(runtime, "sumRows", dy, rows, features, sum);
  return sum;
};
