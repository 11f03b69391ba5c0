import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const siluBackward: Op<"siluBackward"> = (runtime, _, dy, x) => {
  const dx = runtime.result("siluBackward", dy.shape);
  runElementwise(runtime, "siluBackward", { a: dy, b: x, y: dx }, 1.8);
  return dx;
};
