import { addPartials } from "../addPartials.ts";
import type { Op } from "../op.ts";

/** Ids that a block of threads reads at once. */
const idsAtOnce = 1024;
/** Features that a block of threads computes. */
const blockFeatures = 1024;
/** Blocks of threads that fill a large GPU. Constant, so that the order of a sum does not depend on the device. */
const enoughBlocks = 528;

export const embeddingBackward: Op<"embeddingBackward"> = (runtime, sizes, dy, ids, vocabSize) => {
  const op = "embeddingBackward";
  const { count, features } = sizes;
  const dWeight = runtime.result(op, [vocabSize, features]);
  const blocks = vocabSize * Math.ceil(features / blockFeatures);
  // With a small vocabulary few blocks would run, each over all positions: split the positions into chunks.
  const reads = Math.ceil(count / idsAtOnce);
  const readsPerChunk = Math.ceil(reads / Math.min(reads, Math.ceil(enoughBlocks / blocks)));
  const chunks = Math.ceil(reads / readsPerChunk);
  const partial = chunks > 1 ? runtime.result(op, [chunks, vocabSize, features]) : dWeight;
  const args = [dy, ids, partial, count, vocabSize, features, dy.rowStride, readsPerChunk * idsAtOnce];
  runtime.launch(op, op, [blocks, chunks], 256, args);
  if (partial !== dWeight) {
    addPartials(runtime, op, partial, dWeight, { count: vocabSize * features, chunks });
    partial.dispose();
  }
  return dWeight;
};
