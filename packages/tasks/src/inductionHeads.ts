import { type DataSource, ignoreIndex } from "@mamba/train";
import { checkWhole, draws } from "./draws.ts";

export interface InductionOptions {
  /** Positions per example. */
  readonly length: number;
  /** Number of tokens, the special one included: it is the last. Default 16. */
  readonly vocabSize?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Induction heads (Mamba paper, section 4.1.2): random tokens, among which one special token occurs twice, at a random
 * position and at the end. The only target is at the end: the token that followed the special one the first time.
 *
 * @throws TrainError `CONFIG`
 */
export function inductionHeads({ length, vocabSize = 16, seed = 0 }: InductionOptions): DataSource {
  const task = "induction heads";
  checkWhole(task, "length", length, 3, 2 ** 28);
  checkWhole(task, "vocabSize", vocabSize, 2, 2 ** 24);
  checkWhole(task, "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  const special = vocabSize - 1;
  return {
    id: `${task}, length ${length}, vocabulary ${vocabSize}, seed ${seed}`,
    vocabSize,
    count: undefined,
    example(index) {
      const draw = draws(seed, index);
      const ids = new Int32Array(length);
      for (let i = 0; i < length; i++) ids[i] = draw(0, special - 1);
      const position = draw(0, length - 3); // the token after it comes before the end
      ids[position] = special;
      ids[length - 1] = special;
      const targets = new Int32Array(length).fill(ignoreIndex);
      targets.set(ids.subarray(position + 1, position + 2), length - 1);
      return { ids, targets };
    },
  };
}
