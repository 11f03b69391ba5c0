import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const tanh: Op<"tanh"> = (runtime, _, x) => {
  const y = runtime.result("tanh", x.shape);
  runElementwise(runtime, "tanh", { a: x, y }, 1.2);
  return y;
};
