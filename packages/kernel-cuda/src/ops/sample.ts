import type { SampleArgs, SampleLogProbs, SampleRow } from "@mamba/kernel";
import type { Sizes } from "@mamba/kernel/author";
import type { Op, Own } from "../op.ts";
import type { Runtime } from "../runtime.ts";
import type { CudaTensor } from "../tensor.ts";
import { uploaded } from "../upload.ts";
import { rowBlock } from "./argmax.ts";

/** Words of the options of a row: the fields of `SampleOptions` in cuda/sampleOptions.cuh. */
const optionWords = 6;
const adjustBlock = 256;
/** Logits of a row that one block adjusts. */
const adjustChunk = 2048;

type Args = Own<SampleArgs>;

export const sample: Op<"sample"> = (runtime, sizes, args, want) => {
  const op = "sample";
  const { batch, vocabSize } = sizes;
  const { logits, rows } = args;
  const ids = runtime.result(op, [batch], "i32");
  const isGreedy = rows.every(({ temperature }) => temperature === 0);
  const words = optionsOf(rows, vocabSize);
  // The options of a single row are an argument of the launch, so no upload ends the batch.
  const needed = rows.length > 1 && (!isGreedy || isPenalised(args));
  const options = needed
    ? uploaded(runtime, op, new Int32Array(words.buffer), [words.length], "i32")
    : undefined;
  const adjusted = isAdjusted(args) ? adjust(runtime, sizes, args, options) : undefined;
  const from = adjusted ?? logits;
  const block = rowBlock(vocabSize);
  const scalars = [vocabSize, from.rowStride];
  if (isGreedy) runtime.launch(op, "argmax", batch, block, [from, ids, ...scalars]);
  else runtime.launch(op, op, batch, block, [from, options, ids, ...scalars, words.subarray(0, optionWords)]);
  options?.dispose();
  adjusted?.dispose();
  return want ? { ids, ...logProbs(runtime, sizes, logits, ids, want.logProbs) } : { ids };
};

function isPenalised({ seen, rows }: Args): boolean {
  return seen !== undefined && rows.some(({ repetitionPenalty = 1 }) => repetitionPenalty !== 1);
}

/** True when logits change before one is chosen. */
function isAdjusted(args: Args): boolean {
  return args.add !== undefined || args.allow !== undefined || isPenalised(args);
}

function optionsOf(rows: readonly SampleRow[], vocabSize: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(rows.length * optionWords);
  const floats = new Float32Array(words.buffer);
  rows.forEach((row, b) => {
    const { temperature, topP = 1, minP = 0, topK = vocabSize, uniform, repetitionPenalty = 1 } = row;
    floats.set([temperature, topP, minP, uniform, repetitionPenalty], b * optionWords);
    words[b * optionWords + 5] = Math.min(topK, vocabSize);
  });
  return words;
}

/** Returns the logits after repetition penalty, `add` and `allow`. */
function adjust(
  runtime: Runtime,
  { batch, vocabSize, seenCount, addCount }: Sizes<"sample">,
  args: Args,
  options: CudaTensor | undefined,
): CudaTensor {
  const { logits, seen, add, allow, rows } = args;
  const y = runtime.result("sample", [batch, vocabSize]);
  const chunks = Math.ceil(vocabSize / adjustChunk);
  const penalised = isPenalised(args) ? seen : undefined;
  const tensors = [logits, options, penalised, add?.ids, add?.values, allow, y];
  const scalars = [vocabSize, logits.rowStride, seenCount, addCount, chunks, rows[0]?.repetitionPenalty ?? 1];
  runtime.launch("sample", "sampleAdjust", batch * chunks, adjustBlock, [...tensors, ...scalars]);
  return y;
}

function logProbs(
  runtime: Runtime,
  { batch, vocabSize }: Sizes<"sample">,
  logits: CudaTensor,
  ids: CudaTensor,
  count: number,
): SampleLogProbs {
  const op = "sample";
  const logProb = runtime.result(op, [batch]);
  const topIds = count > 0 ? runtime.result(op, [batch, count], "i32") : undefined;
  const topLogProbs = topIds && runtime.result(op, topIds.shape);
  const args = [logits, ids, logProb, topIds, topLogProbs, vocabSize, logits.rowStride, count];
  runtime.launch(op, "sampleLogProbs", batch, rowBlock(vocabSize), args);
  return topIds && topLogProbs ? { logProb, topIds, topLogProbs } : { logProb };
}
