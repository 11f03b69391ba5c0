import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const sqrt: Op<"sqrt"> = (runtime, _, x) => {
  const y = runtime.result("sqrt", x.shape);
  runElementwise(runtime, "sqrt", { a: x, y }, 0.5);
  return y;
};
