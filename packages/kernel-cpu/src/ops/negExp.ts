import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const negExp: Op<"negExp"> = (runtime, _, x) => {
  const y = runtime.result("negExp", x.shape);
  runElementwise(runtime, "negExp", { a: x, y }, 1);
  return y;
};
