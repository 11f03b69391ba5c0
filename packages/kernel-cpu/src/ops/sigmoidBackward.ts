import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const sigmoidBackward: Op<"sigmoidBackward"> = (runtime, _, dy, y) => {
  const dx = runtime.result("sigmoidBackward", dy.shape);
  runElementwise(runtime, "sigmoidBackward", { a: dy, b: y, y: dx }, 0.5);
  return dx;
};
