import { runAttention } from "../attention/runAttention.ts";
import type { Op } from "../op.ts";

export const attention: Op<"attention"> = (runtime, sizes, args) => {
  const op = "attention";
  const { batch, length, heads, valueDim } = sizes;
  const y = runtime.result(op, [batch, length, heads * valueDim]);
  runAttention(runtime, op, args, sizes, { y }, { ids: args.sequenceIds, capacity: length });
  return y;
};
