import { MambaError } from "../errors.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { contentsOf, GenerationState } from "./generationState.ts";
import type { SequenceOptions } from "./options.ts";
import { cloneContents, type SequenceContents } from "./sequenceContents.ts";

/**
 * The contents of a sequence that joins a decoder. They are the caller's but for the stack, which is borrowed from a state.
 *
 * @throws MambaError `INPUT` (the prompt), `OPTIONS`; `CACHE` for a state of another model, `IN_USE`
 */
export function joiningContents(
  model: MambaLM,
  input: string | readonly number[] | GenerationState,
  options: SequenceOptions,
): SequenceContents {
  if (input instanceof GenerationState) {
    checkState(model, input);
    const { stack, ...given } = contentsOf(input);
    checkNotEmpty(given.history.length);
    return { ...cloneContents(model.kernel, { ...given, stack: undefined }), stack };
  }
  const ids = typeof input === "string" ? encode(input, options) : input;
  const contents = contentsOf(GenerationState.start(model, ids, { seed: options.seed }));
  checkNotEmpty(contents.history.length);
  return contents;
}

function encode(prompt: string, { tokenizer }: SequenceOptions): readonly number[] {
  if (!tokenizer) throw new MambaError("INPUT", "a prompt in text needs the option tokenizer");
  return tokenizer.encode(prompt);
}

function checkNotEmpty(length: number): void {
  if (length === 0) throw new MambaError("INPUT", "the prompt is empty: at least one token is needed");
}

function checkState(model: MambaLM, state: GenerationState): void {
  if (state.model !== model) throw new MambaError("CACHE", "the generation state belongs to another model");
  const { read, adapter } = contentsOf(state);
  if (read === 0 || adapter === model.adapter) return;
  const remedy = "attach that adapter again, or start from the ids";
  throw new MambaError("CACHE", `the generation state was computed with another adapter: ${remedy}`);
}
