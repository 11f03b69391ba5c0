import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const exp: Op<"exp"> = (runtime, _, x) => {
  const y = runtime.result("exp", x.shape);
  runElementwise(runtime, "exp", { a: x, y }, 0.9);
  return y;
};
