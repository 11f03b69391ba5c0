import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const silu: Op<"silu"> = (runtime, _, x) => {
  const y = runtime.result("silu", x.shape);
  runElementwise(runtime, "silu", { a: x, y }, 1.2);
  return y;
};
