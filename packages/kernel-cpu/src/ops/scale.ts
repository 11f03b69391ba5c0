import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const scale: Op<"scale"> = (runtime, _, x, factor) => {
  const y = runtime.result("scale", x.shape);
  runElementwise(runtime, "scale", { a: x, y, factor }, 0.3);
  return y;
};
