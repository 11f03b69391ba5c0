import type { CheckpointTokenizer, LoadedCheckpoint } from "@mamba/checkpoint";
import { usage } from "../program/errors.ts";
import type { Reader } from "./openSource.ts";

/** A loaded checkpoint as the reader of examples. */
export function readerOf({ model, tokenizer, noTokenizer }: LoadedCheckpoint): Reader {
  return {
    vocabSize: model.config.vocabSize,
    tokenizer: tokenizer?.kind === "bytes" ? undefined : tokenizer,
    noTokenizer,
  };
}

/**
 * The tokenizer in a folder, for a new model.
 *
 * @throws CliError `USAGE` when there is none; CheckpointError `TOKENIZER`, `JSON`, `DUPLICATE_KEY`, `TOO_LARGE`
 */
export async function readTokenizer(folder: string): Promise<CheckpointTokenizer> {
  const { loadTokenizer } = await import("@mamba/checkpoint");
  const tokenizer = await loadTokenizer(folder);
  if (tokenizer) return tokenizer;
  throw usage(`--tokenizer: there is no tokenizer.json in ${folder}, nor vocab.json with merges.txt`);
}
