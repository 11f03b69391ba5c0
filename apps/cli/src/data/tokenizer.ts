import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileTokenizer, LoadedCheckpoint } from "@mamba/checkpoint";
import { codeOf, usage } from "../program/errors.ts";

/** The tokenizer of a checkpoint; undefined when the model reads bytes. */
export function tokenizerOf({ tokenizer, tokenizerKind }: LoadedCheckpoint): FileTokenizer | undefined {
  return tokenizerKind === "bytes" ? undefined : (tokenizer as FileTokenizer);
}

/**
 * The tokenizer in a folder, for a new model.
 *
 * @throws CliError `USAGE` when there is none; CheckpointError `TOKENIZER`, `JSON`
 */
export async function readTokenizer(folder: string): Promise<FileTokenizer> {
  const { parseTokenizer } = await import("@mamba/checkpoint");
  const files = new Map<string, Uint8Array>();
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    const bytes = await readFile(join(folder, name)).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
    if (bytes) files.set(name, bytes);
  }
  if (!files.has("tokenizer.json")) throw usage(`--tokenizer: there is no tokenizer.json in ${folder}`);
  return parseTokenizer(files);
}

/** One more than the largest id of a tokenizer. */
export function vocabularyOf({ files }: FileTokenizer): number {
  const json = JSON.parse(new TextDecoder().decode(files.get("tokenizer.json"))) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> | readonly unknown[] };
    readonly added_tokens?: readonly { readonly id: number }[];
  };
  const { vocab } = json.model;
  const ids = Array.isArray(vocab) ? [...vocab.keys()] : Object.values(vocab as Record<string, number>);
  let size = 0;
  for (const id of ids) size = Math.max(size, id + 1);
  for (const { id } of json.added_tokens ?? []) size = Math.max(size, id + 1);
  return size;
}
