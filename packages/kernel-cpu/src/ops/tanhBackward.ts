import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const tanhBackward: Op<"tanhBackward"> = (runtime, _, dy, y) => {
  const dx = runtime.result("tanhBackward", dy.shape);
  runElementwise(runtime, "tanhBackward", { a: dy, b: y, y: dx }, 0.5);
  return dx;
};
