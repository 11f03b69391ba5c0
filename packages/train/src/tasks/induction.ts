import { type DataSource, ignoreIndex } from "../source.ts";
import { checkWhole, draws } from "./draws.ts";

export interface InductionOptions {
  /** Positions per example. */
  readonly length: number;
  /** Ordinary tokens and the special one, which is the last. Default 16. */
  readonly vocabSize?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Induction heads (Mamba paper, section 4.1.2): random tokens, in which one special token occurs once at a random place
 * and again at the end. There, and nowhere else, the model must give the token that followed it the first time.
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
      const place = draw(0, length - 3); // its successor comes before the end
      ids[place] = special;
      ids[length - 1] = special;
      const targets = new Int32Array(length).fill(ignoreIndex);
      targets[length - 1] = ids[place + 1] as number;
      return { ids, targets };
    },
  };
}
