import { AttentionResidual } from "@mamba/kernel/author";
import { runAttention } from "../attention/runAttention.ts";
import type { Op } from "../op.ts";

export const attentionForward: Op<"attentionForward"> = (runtime, sizes, args) => {
  const op = "attentionForward";
  const { batch, length, heads, valueDim } = sizes;
  const y = runtime.result(op, [batch, length, heads * valueDim]);
  const logSums = runtime.result(op, [batch, length, heads]);
  runAttention(runtime, op, sizes, args, { y, logSums });
  return { y, residual: new AttentionResidual(logSums, sizes) };
};
