import type { Op } from "../op.ts";

export const sample: Op<"sample"> = (runtime, sizes, args, want) => {
  const op = "sample";
  const { batch, vocabSize, seenCount, addCount } = sizes;
  const { logits, rows, seen, add, allow } = args;
  const topCount = want?.logProbs ?? 0;
  const y = runtime.result(op, [batch], "i32");
  const logProb = want && runtime.result(op, [batch]);
  const topIds = topCount > 0 ? runtime.result(op, [batch, topCount], "i32") : undefined;
  const topLogProbs = topIds && runtime.result(op, topIds.shape);
  const numbers = rows.flatMap((row) => {
    const { temperature, topP = 1, minP = 0, uniform, repetitionPenalty = 1, topK = vocabSize } = row;
    return [temperature, topP, minP, uniform, repetitionPenalty, Math.min(topK, vocabSize)];
  });
  const options = runtime.temporary(op, numbers.length * 8);
  try {
    runtime.heap.writeDoubles(options.address, numbers);
    const record = {
      rows: options,
      ...{ logits, seen, ids: add?.ids, values: add?.values, allow },
      ...{ y, logProb, topIds, topLogProbs },
      ...{ batch, vocabSize, stride: logits.rowStride, seenCount, addCount, topCount },
    };
    const drawn = rows.filter(({ temperature }) => temperature > 0).length;
    const perLogit = 10 * drawn + 0.6 * (batch - drawn) + (want ? 5 * batch : 0);
    runtime.run(op, record, perLogit * vocabSize);
  } finally {
    runtime.heap.free(options);
  }
  if (!logProb) return { ids: y };
  return topIds && topLogProbs ? { ids: y, logProb, topIds, topLogProbs } : { ids: y, logProb };
};
