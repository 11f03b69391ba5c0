import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const add: Op<"add"> = (runtime, _, a, b) => {
  const y = runtime.result("add", a.shape);
  runElementwise(runtime, "add", { a, b, y }, 0.4);
  return y;
};
