import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const reluSquared: Op<"reluSquared"> = (runtime, _, x) => {
  const y = runtime.result("reluSquared", x.shape);
  runElementwise(runtime, "reluSquared", { a: x, y }, 0.4);
  return y;
};
