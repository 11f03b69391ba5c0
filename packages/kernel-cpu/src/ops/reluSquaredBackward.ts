import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const reluSquaredBackward: Op<"reluSquaredBackward"> = (runtime, _, dy, x) => {
  const dx = runtime.result("reluSquaredBackward", dy.shape);
  runElementwise(runtime, "reluSquaredBackward", { a: dy, b: x, y: dx }, 0.6);
  return dx;
};
