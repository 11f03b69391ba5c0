import { checkRepetitionPenalty, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";

const block = 256;
/** Logits of a row that a block takes. */
const tile = 2048;

export function repetitionPenalty(runtime: Runtime, logits: Tensor, ids: Tensor, penalty: number): Tensor {
  const { batch, vocabSize, idCount } = checkRepetitionPenalty(logits, ids, penalty);
  const op = "repetitionPenalty";
  runtime.checkOpen(op);
  const [row, tokens] = [runtime.own(op, "logits", logits), runtime.own(op, "ids", ids)];
  const y = runtime.result(op, logits.shape);
  const tiles = Math.ceil(vocabSize / tile);
  const args = [row, tokens, y, vocabSize, logits.rowStride, idCount, tiles, penalty];
  runtime.launch(op, "repetitionPenalty", batch * tiles, block, args);
  return y;
}
