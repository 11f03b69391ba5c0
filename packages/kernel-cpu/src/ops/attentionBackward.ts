import type { Op } from "../op.ts";
import { attentionArgs, attentionNanoseconds } from "./attention.ts";

export const attentionBackward: Op<"attentionBackward"> = (runtime, sizes, dy, args, y, residual) => {
  const op = "attentionBackward";
  const { batch, length, heads, kvHeads, keyDim, valueDim } = sizes;
  const q = runtime.result(op, [batch, length, heads * keyDim]);
  const k = runtime.result(op, [batch, length, kvHeads * keyDim]);
  const v = runtime.result(op, [batch, length, kvHeads * valueDim]);
  const record = {
    attentionArgs: attentionArgs(args, sizes),
    ...{ dy, y, logSums: residual.saved, dq: q, dk: k, dv: v },
    dyStride: dy.rowStride,
    yStride: y.rowStride,
  };
  const nanoseconds = attentionNanoseconds(sizes, length / 2);
  runtime.run("attentionQueryGradients", record, 1.5 * nanoseconds);
  runtime.run("attentionKeyGradients", record, 2 * nanoseconds);
  return { q, k, v };
};
