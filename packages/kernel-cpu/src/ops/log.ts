import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const log: Op<"log"> = (runtime, _, x) => {
  const y = runtime.result("log", x.shape);
  runElementwise(runtime, "log", { a: x, y }, 1.4);
  return y;
};
