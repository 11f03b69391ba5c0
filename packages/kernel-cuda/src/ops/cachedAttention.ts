import { runAttention } from "../attention/runAttention.ts";
import type { Op } from "../op.ts";
import type { CudaTensor } from "../tensor.ts";

export const cachedAttention: Op<"cachedAttention"> = (runtime, sizes, args) => {
  const op = "cachedAttention";
  const { batch, length, heads, kvHeads, keyDim, valueDim, capacity } = sizes;
  const { q, k, v, keys, values, lengths, scale } = args;
  const cache = (from: CudaTensor, to: CudaTensor, width: number) => {
    const blocks = Math.ceil((batch * length * width) / 256);
    const tensors = [from, lengths, to];
    runtime.launch(op, "cacheRows", blocks, 256, [
      ...tensors,
      batch,
      length,
      capacity,
      width,
      from.rowStride,
    ]);
  };
  cache(k, keys, kvHeads * keyDim);
  cache(v, values, kvHeads * valueDim);
  const y = runtime.result(op, [batch, length, heads * valueDim]);
  runAttention(runtime, op, { q, k: keys, v: values, scale }, sizes, { y }, { lengths, capacity });
  return y;
};
