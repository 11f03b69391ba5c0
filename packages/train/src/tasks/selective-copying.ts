import { type DataSource, ignoreIndex } from "../source.ts";
import { checkWhole, draws } from "./draws.ts";

export interface SelectiveCopyingOptions {
  /** Positions among which the tokens are scattered. The example is `length + tokens` long. */
  readonly length: number;
  /** Tokens to be copied. Default 16. */
  readonly tokens?: number | undefined;
  /** Noise (0), the tokens to be copied, and the sign to answer (the last). Default 16. */
  readonly vocabSize?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Selective copying (Mamba paper, section 4.1.1): tokens at random places in noise, then as many signs to answer, at which
 * the model must give the tokens in their order. The gaps are random, so counting positions does not help.
 *
 * @throws TrainError `CONFIG`
 */
export function selectiveCopying(options: SelectiveCopyingOptions): DataSource {
  const { length, tokens = 16, vocabSize = 16, seed = 0 } = options;
  const task = "selective copying";
  checkWhole(task, "length", length, 1, 2 ** 28);
  checkWhole(task, "tokens", tokens, 1, length);
  checkWhole(task, "vocabSize", vocabSize, 3, 2 ** 24);
  checkWhole(task, "seed", seed, -(2 ** 31), 2 ** 31 - 1);
  const sign = vocabSize - 1;
  return {
    id: `${task}, length ${length}, tokens ${tokens}, vocabulary ${vocabSize}, seed ${seed}`,
    vocabSize,
    count: undefined,
    example(index) {
      const draw = draws(seed, index);
      const ids = new Int32Array(length + tokens).fill(sign, length);
      const targets = new Int32Array(length + tokens).fill(ignoreIndex);
      // Each place is taken with the chance that leaves all sets of places equally likely (Knuth, algorithm S).
      let copied = 0;
      for (let place = 0; copied < tokens; place++) {
        if (draw(1, length - place) > tokens - copied) continue;
        const token = draw(1, sign - 1);
        ids[place] = token;
        targets[length + copied++] = token;
      }
      return { ids, targets };
    },
  };
}
