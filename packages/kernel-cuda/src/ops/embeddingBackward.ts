import { checkEmbeddingBackward, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { addPartials } from "./addPartials.ts";

/** Ids that a block of threads looks at at once, and features that it makes. */
const [idsAtOnce, strip] = [1024, 1024];
/** Blocks of threads that fill a large GPU. Fixed, so that the order of a sum does not depend on the device. */
const enough = 528;

export function embeddingBackward(runtime: Runtime, dy: Tensor, ids: Tensor, vocabSize: number): Tensor {
  const { count, features } = checkEmbeddingBackward(dy, ids, vocabSize);
  const op = "embeddingBackward";
  runtime.checkOpen(op);
  const [from, rows] = [runtime.own(op, "dy", dy), runtime.own(op, "ids", ids)];
  const dWeight = runtime.result(op, [vocabSize, features]);
  const blocks = vocabSize * Math.ceil(features / strip);
  // A small vocabulary, whose rows have many positions each: those are shared out.
  const pieces = Math.ceil(count / idsAtOnce);
  const each = Math.ceil(pieces / Math.min(pieces, Math.ceil(enough / blocks)));
  const shares = Math.ceil(pieces / each);
  const partial = shares > 1 ? runtime.result(op, [shares, vocabSize, features]) : dWeight;
  const args = [from, rows, partial, count, vocabSize, features, from.rowStride, each * idsAtOnce];
  runtime.launch(op, op, [blocks, shares], 256, args);
  if (partial !== dWeight) {
    addPartials(runtime, op, partial, dWeight, { count: vocabSize * features, shares });
    partial.dispose();
  }
  return dWeight;
}
