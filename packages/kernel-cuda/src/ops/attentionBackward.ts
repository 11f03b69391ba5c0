import { attentionThreads, attentionWords, rowTiles, tilesOf } from "../attention/runAttention.ts";
import type { Op } from "../op.ts";

/** Rows of dy · y per block of attentionDelta: one per warp. */
const deltaRows = 4;

export const attentionBackward: Op<"attentionBackward"> = (runtime, sizes, dy, args, y, residual) => {
  const op = "attentionBackward";
  const { batch, length, heads, kvHeads, keyDim, valueDim } = sizes;
  const { q, k, v, scale, sequenceIds } = args;
  const grads = {
    q: runtime.result(op, q.shape),
    k: runtime.result(op, k.shape),
    v: runtime.result(op, v.shape),
  };
  const delta = runtime.result(op, [batch, length, heads]);
  const deltaArgs = [dy, y, delta, batch * length, heads, valueDim, dy.rowStride, y.rowStride];
  const deltaBlocks = Math.ceil((batch * length * heads) / deltaRows);
  runtime.launch(op, "attentionDelta", deltaBlocks, 32 * deltaRows, deltaArgs);
  const given = [q, k, v, sequenceIds, dy, residual.saved, delta];
  const scalars = [attentionWords(sizes, args, length, dy), scale];
  const pairs = batch * kvHeads;
  const qBlocks = pairs * rowTiles(sizes) * tilesOf(keyDim);
  runtime.launch(op, "attentionBackwardQ", qBlocks, attentionThreads, [...given, grads.q, ...scalars]);
  const kBlocks = pairs * tilesOf(length) * tilesOf(keyDim);
  runtime.launch(op, "attentionBackwardK", kBlocks, attentionThreads, [...given, grads.k, ...scalars]);
  const vBlocks = pairs * tilesOf(length) * tilesOf(valueDim);
  const vArgs = [q, k, sequenceIds, dy, residual.saved, grads.v, ...scalars];
  runtime.launch(op, "attentionBackwardV", vBlocks, attentionThreads, vArgs);
  delta.dispose();
  return grads;
};
