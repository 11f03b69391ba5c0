import { checkRepetitionPenalty, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

export function repetitionPenalty(runtime: Runtime, logits: Tensor, ids: Tensor, penalty: number): Tensor {
  const { batch, vocabSize, idCount } = checkRepetitionPenalty(logits, ids, penalty);
  const op = "repetitionPenalty";
  runtime.checkOpen(op);
  const { args } = runtime;
  args[0] = runtime.at(op, "logits", logits);
  args[1] = runtime.at(op, "ids", ids);
  const y = runtime.result(op, logits.shape);
  args[2] = y.address;
  args[3] = batch;
  args[4] = vocabSize;
  args[5] = idCount;
  args[6] = logits.rowStride;
  runtime.floatArgs[7] = penalty;
  runtime.run(op, 0.3 * batch * vocabSize + 2 * batch * idCount);
  return y;
}
