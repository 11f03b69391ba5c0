import type { Tensor } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** ids i32 [...], weight [V, D] -> [..., D]. */
export function embedding(run: OpRun, ids: Tensor, weight: Tensor): Tensor {
  return run.result(run.kernel.embedding(ids, weight), [weight], (dy, sink) => {
    const [vocabSize = 0] = weight.shape;
    sink.add(weight, () => sink.kernel.embeddingBackward(dy, ids, vocabSize));
  });
}
