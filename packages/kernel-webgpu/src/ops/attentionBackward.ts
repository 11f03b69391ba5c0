import {
  attentionDotsShader,
  attentionGradientShader,
  attentionKeyRowsShader,
  attentionQueryRowsShader,
} from "../attention/backwardShaders.ts";
import { attentionParamsOf } from "../attention/runAttention.ts";
import type { Op } from "../op.ts";

// Two passes, one over the query rows and one over the keys: the formulas are in attention/backwardShaders.ts.
export const attentionBackward: Op<"attentionBackward"> = (runtime, sizes, dy, args, y, { saved }) => {
  const op = "attentionBackward";
  const { batch, length, heads, kvHeads, keyDim, valueDim } = sizes;
  const { q, k, v, scale, sequenceIds: ids } = args;
  const gradients = {
    q: runtime.result(op, q.shape),
    k: runtime.result(op, k.shape),
    v: runtime.result(op, v.shape),
  };
  const params = attentionParamsOf(sizes, scale);
  const rows = batch * length * heads;
  const dots = runtime.result(op, [rows]);
  runtime.run(
    op,
    attentionDotsShader,
    { dy, y, dots },
    { count: rows, heads, valueDim },
    Math.ceil(rows / 64),
  );
  const inputs = { q, k, v, ids, dy, logSums: saved, dots };
  if (runtime.traits.parallel) {
    for (const of of ["q", "k", "v"] as const) {
      const rowTiles = Math.ceil((of === "q" ? length * params.rep : length) / 64);
      const columnTiles = Math.ceil((of === "v" ? valueDim : keyDim) / 64);
      runtime.run(
        op,
        attentionGradientShader(of),
        { ...inputs, gradient: gradients[of] },
        { ...params, rowTiles, columnTiles },
        batch * kvHeads * rowTiles * columnTiles,
      );
    }
  } else {
    const { commands } = runtime;
    runtime.run(
      op,
      attentionQueryRowsShader,
      { ...inputs, dq: gradients.q },
      { ...params, count: rows },
      Math.ceil(rows / 64),
    );
    const count = batch * length * kvHeads;
    const both = runtime.result(op, [count, keyDim + valueDim]);
    runtime.run(
      op,
      attentionKeyRowsShader,
      { ...inputs, gradients: both },
      { ...params, count },
      Math.ceil(count / 64),
    );
    const kBytes = gradients.k.storage.bytes;
    commands.copy(op, both.storage.buffer, 0, gradients.k.storage.buffer, 0, kBytes);
    commands.copy(op, both.storage.buffer, kBytes, gradients.v.storage.buffer, 0, gradients.v.storage.bytes);
    for (const { storage } of [gradients.k, gradients.v]) commands.write(storage);
    both.dispose();
  }
  dots.dispose();
  return gradients;
};
