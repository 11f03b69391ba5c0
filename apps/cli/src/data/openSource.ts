import type { CheckpointTokenizer } from "@mamba/checkpoint";
import type { JsonObject } from "@mamba/core/safetensors";
import type { DataSource } from "@mamba/train";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import { tokenCache } from "./tokenCache.ts";
import type { LanguageTask } from "./tasks.ts";

/** The examples that a model is trained or evaluated on. */
export interface DataRecipe {
  readonly task: LanguageTask;
  /** The file of "text", of "tokens" (lines of JSON arrays) and of "chat" (conversations). */
  readonly path?: string | undefined;
  /** Positions per example; for "tokens" and "chat" the most. */
  readonly length: number;
  /** Number of tokens that "selective-copying" copies. */
  readonly tokens?: number | undefined;
  /** Number of pairs of "recall". */
  readonly pairs?: number | undefined;
  /** Size of the vocabulary. "parity" has 2. "stories", and "text" without a tokenizer, have 256. */
  readonly vocabSize?: number | undefined;
  /** Seed of a generated task, and of the choice of held-out conversations. */
  readonly seed: number;
  /** Fraction of the conversations of "chat" that are held out. */
  readonly heldOut?: number | undefined;
  /** The file of the chat template of "chat". Default: that of the tokenizer. */
  readonly template?: string | undefined;
  /** Variables of the chat template. */
  readonly variables?: JsonObject | undefined;
  /** Conversations of "chat" that are damaged are left out and counted. Default: an error. */
  readonly skipDamaged?: boolean | undefined;
}

/** The model that reads the examples. */
export interface Reader {
  /** Undefined for a new model. */
  readonly vocabSize?: number | undefined;
  /** Turns "text" into ids; without one the ids are its bytes. */
  readonly tokenizer?: CheckpointTokenizer | undefined;
  /** The reason why the model cannot read text, with a remedy; undefined when it can. */
  readonly noTokenizer?: string | undefined;
}

/** True when the ids of a task are bytes. */
export function hasBytes(task: LanguageTask, tokenizer: CheckpointTokenizer | undefined): boolean {
  return task === "stories" || (task === "text" && !tokenizer);
}

/** A source that may hold a file open. */
export type OpenSource = DataSource & AsyncDisposable;

/**
 * Opens the examples of a recipe.
 *
 * @throws CliError `USAGE` when a task lacks its file, has one that it does not read, or does not fit the model;
 * TrainError `CONFIG`, `DATA`
 */
export async function openSource(recipe: DataRecipe, reader: Reader, host: Host): Promise<OpenSource> {
  checkRecipe(recipe, reader);
  const { task, path = "", length, tokens, pairs, vocabSize, seed } = recipe;
  const { associativeRecall, inductionHeads, parity, selectiveCopying, stories } =
    await import("@mamba/tasks");
  const { textFile, tokenLines } = await import("@mamba/train/node");
  const generated = (source: DataSource): OpenSource => ({
    ...source,
    [Symbol.asyncDispose]: async () => {},
  });
  const readerSize = vocabSize ?? reader.vocabSize;
  switch (task) {
    case "induction":
      return generated(inductionHeads({ length, vocabSize, seed }));
    case "selective-copying":
      return generated(selectiveCopying({ length, tokens, vocabSize, seed }));
    case "recall":
      return generated(associativeRecall({ length, pairs, vocabSize, seed }));
    case "parity":
      return generated(parity({ length, seed }));
    case "stories":
      return generated(stories({ length, seed }));
    case "text":
      if (!reader.tokenizer) return textFile(path, { length });
      return openTokenized(path, length, readerSize, reader.tokenizer, host);
    case "tokens":
      if (readerSize === undefined) throw usage("tokens for a new model needs --vocab-size");
      return tokenLines(path, { length, vocabSize: readerSize });
    case "chat": {
      const { openChat } = await import("./openChat.ts");
      return openChat(recipe, reader, host);
    }
    default:
      return task satisfies never;
  }
}

function checkRecipe(
  { task, path, tokens, pairs, vocabSize }: DataRecipe,
  { tokenizer, noTokenizer }: Reader,
): void {
  const isFile = task === "text" || task === "tokens" || task === "chat";
  if (isFile && path === undefined) throw usage(`${task} needs --data <file>`);
  if (!isFile && path !== undefined) throw usage(`${task} generates its own data: leave --data out`);
  if (tokens !== undefined && task !== "selective-copying") throw usage(`${task} has no field tokens`);
  if (pairs !== undefined && task !== "recall") throw usage(`${task} has no field pairs`);
  if (task === "parity" && vocabSize !== undefined && vocabSize !== 2)
    throw usage("the vocabulary of parity is the two bits");
  if (hasBytes(task, tokenizer) && noTokenizer !== undefined) {
    throw usage(`the model cannot read ${task}: ${noTokenizer}; "tokens" reads lines of ids`);
  }
  if (hasBytes(task, tokenizer) && vocabSize !== undefined && vocabSize !== 256) {
    throw usage(`the vocabulary of ${task} is the 256 bytes`);
  }
  if (task === "stories" && tokenizer) throw usage("stories are bytes, but the model has a tokenizer");
}

/** Text through a tokenizer. The tokens are kept in the user's cache. */
async function openTokenized(
  path: string,
  length: number,
  vocabSize: number | undefined,
  tokenizer: CheckpointTokenizer,
  host: Host,
): Promise<OpenSource> {
  const { tokenizedText } = await import("@mamba/train/node");
  using bar = progress(host, "tokenizing");
  return await tokenizedText(path, {
    length,
    tokenizer,
    tokenizerFiles: tokenizer.files,
    vocabSize: vocabSize ?? tokenizer.vocabSize,
    cacheFolder: tokenCache(host),
    signal: host.signal,
    onProgress: (done, total) => bar.update(done, total),
  });
}
