import { runAttention } from "../attention/runAttention.ts";
import type { Op } from "../op.ts";

export const attention: Op<"attention"> = (runtime, sizes, args) => {
  const y = runtime.result("attention", [sizes.batch, sizes.length, sizes.heads * sizes.valueDim]);
  runAttention(runtime, "attention", sizes, args, { y });
  return y;
};
