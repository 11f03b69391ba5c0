import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const geluBackward: Op<"geluBackward"> = (runtime, _, dy, x, approximate) => {
  const dx = runtime.result("geluBackward", dy.shape);
  const job = approximate === "tanh" ? "geluTanhBackward" : "geluBackward";
  runElementwise(runtime, job, { a: dy, b: x, y: dx }, 2);
  return dx;
};
