import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const mul: Op<"mul"> = (runtime, _, a, b) => {
  const y = runtime.result("mul", a.shape);
  runElementwise(runtime, "mul", { a, b, y }, 0.4);
  return y;
};
