import type { Op } from "../op.ts";
import { runElementwise } from "./elementwise.ts";

export const accumulate: Op<"accumulate"> = (runtime, _, target, x, factor = 1) => {
  runElementwise(runtime, "accumulate", { a: x, b: target, y: target, factor }, 0.4);
};
