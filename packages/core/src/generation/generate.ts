import type { MambaLM } from "../model/mambaLM.ts";
import { FixedSet, type GenerationInput } from "./fixedSet.ts";
import { checkGenerateOptions, type GenerateOptions } from "./options.ts";
import type { SequenceToken } from "./runningSequence.ts";

/** One token of one row. */
export interface GeneratedToken extends SequenceToken {
  /** Index of the prompt. */
  readonly row: number;
  /** Seed of the row. This number less `row`, given as the option `seed`, repeats the text. */
  readonly seed: number;
}

/**
 * Generates tokens one step at a time, for one prompt or several of different lengths. A row that has ended gives no more
 * tokens while the others go on, and takes no more time.
 *
 * `input` is token ids, text (with `options.tokenizer`), a list of either, or one or several states to go on from. A given
 * state is advanced in place: it is in use until the generation ends, and then holds all tokens that were computed, also after
 * an abort. After an error of its row it is what it was before. At `maxTokens` the last token of a prompt has all text,
 * and that of a state has the uncertain end of the text in `rest`, since a continuation returns it.
 *
 * @throws MambaError `INPUT` (prompts), `OPTIONS`, `IN_USE` and `CACHE` (states), `LENGTH` (`maxLength`), `NON_FINITE`; the signal's reason when
 * aborted; KernelError from the device.
 */
export async function* generate(
  model: MambaLM,
  input: GenerationInput,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, undefined> {
  checkGenerateOptions("generate", options, model.config.vocabSize);
  const { signal, onProgress, chunkLength, maxLength, ...sequenceOptions } = options;
  using set = new FixedSet(model, input, sequenceOptions, { chunkLength, maxLength });
  let { unread } = set;
  while (set.isActive) {
    signal?.throwIfAborted();
    const { tokens, failed } = await set.step();
    if (set.unread < unread) onProgress?.(set.total - (unread = set.unread), set.total);
    for (const { sequence, rest = "", ...token } of tokens) {
      const row = sequence.id;
      const text = set.isState(row) ? { text: token.text, rest } : { text: token.text + rest };
      yield { row, seed: sequence.seed, ...token, ...(token.finish === "length" ? text : {}) };
    }
    for (const { error } of failed) throw error;
  }
}
