import type { MambaLMConfig } from "@mamba/core";
import type { TensorShapes } from "./architecture.ts";
import { tableNames } from "./mambaParameters.ts";

/**
 * Size and padding of the vocabulary. The original code rounds the table up to `pad_vocab_size_multiple`, and configs
 * that were converted from it keep that key although their `vocab_size` already counts the padded rows. So the rows of
 * the table decide where they are known.
 *
 * @param multiple the padding that the config gives
 * @param tables names that the table may have
 */
export function vocabulary(
  vocabSize: number,
  multiple: number,
  tensors?: TensorShapes,
  tables: readonly string[] = Object.values(tableNames),
): Pick<MambaLMConfig, "vocabSize" | "padVocabSizeMultiple"> {
  const table = tables.find((name) => tensors?.has(name));
  const rows = table === undefined ? undefined : tensors?.get(table)?.shape[0];
  return { vocabSize, padVocabSizeMultiple: rows === vocabSize ? 1 : multiple };
}

/** True when the first layer's mixer has a tensor of this name; undefined when the tensors are not known. */
export function mixerHas(tensors: TensorShapes | undefined, name: string): boolean | undefined {
  return tensors?.has(`backbone.layers.0.mixer.${name}`);
}
