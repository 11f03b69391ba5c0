import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const sigmoid: Op<"sigmoid"> = (runtime, _, x) => {
  const y = runtime.result("sigmoid", x.shape);
  runElementwise(runtime, "sigmoid", { a: x, y }, 1.2);
  return y;
};
