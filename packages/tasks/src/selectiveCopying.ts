import { type DataSource, ignoreIndex } from "@mamba/train";
import { checkWhole, draws } from "./draws.ts";

export interface SelectiveCopyingOptions {
  /** Positions among which the tokens are scattered. An example has `length + tokens` positions. */
  readonly length: number;
  /** How many tokens are copied. Default 16. */
  readonly tokens?: number | undefined;
  /** Number of tokens: noise (0), the tokens that can be copied, and the prompt to answer (the last). Default 16. */
  readonly vocabSize?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/**
 * Selective copying (Mamba paper, section 4.1.1): tokens at random positions in noise, then as many prompts to answer. The
 * targets at the prompts are the tokens in their order. The gaps are random, so counting positions does not help.
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
  const prompt = vocabSize - 1;
  return {
    id: `${task}, length ${length}, tokens ${tokens}, vocabulary ${vocabSize}, seed ${seed}`,
    vocabSize,
    count: undefined,
    example(index) {
      const draw = draws(seed, index);
      const ids = new Int32Array(length + tokens).fill(prompt, length);
      const targets = new Int32Array(length + tokens).fill(ignoreIndex);
      // Each position is chosen with the probability that makes all sets of positions equally likely (Knuth, algorithm S).
      let copied = 0;
      for (let position = 0; copied < tokens; position++) {
        if (draw(1, length - position) > tokens - copied) continue;
        const token = draw(1, prompt - 1);
        ids[position] = token;
        targets[length + copied++] = token;
      }
      return { ids, targets };
    },
  };
}
