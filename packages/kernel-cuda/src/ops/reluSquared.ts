import { unary } from "../elementwise.ts";
import type { Op } from "../op.ts";

export const reluSquared: Op<"reluSquared"> = (runtime, _sizes, x) =>
  unary(runtime, "reluSquared", "reluSquared", x);
