import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const gelu: Op<"gelu"> = (runtime, _, x, approximate) => {
  const y = runtime.result("gelu", x.shape);
  runElementwise(runtime, approximate === "tanh" ? "geluTanh" : "gelu", { a: x, y }, 1.8);
  return y;
};
