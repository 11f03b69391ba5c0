import { homedir } from "node:os";
import { join } from "node:path";
import type { FileTokenizer } from "@mamba/checkpoint";
import type { DataSource } from "@mamba/train";
import { usage } from "../args.ts";
import type { Host } from "../host.ts";
import { progress } from "../progress.ts";
import { vocabularyOf } from "./tokenizer.ts";

export const tasks = ["induction", "selective-copying", "stories", "text", "tokens"] as const;
export type Task = (typeof tasks)[number];

/** Which examples a model is trained or judged on. */
export interface DataRecipe {
  readonly task: Task;
  /** The file of "text" and "tokens" (lines of JSON arrays). */
  readonly path?: string | undefined;
  /** Positions per example; for "tokens" the most. */
  readonly length: number;
  /** Of "selective-copying": how many are copied. */
  readonly tokens?: number | undefined;
  /** Of all but "stories" and "text" without a tokenizer, which have 256. */
  readonly vocabSize?: number | undefined;
  /** Of the generators. */
  readonly seed: number;
}

/** What a source is opened for. */
export interface Reader {
  /** Of the model; undefined for a new one. */
  readonly vocabSize?: number | undefined;
  /** What makes "text" into ids; without one these are its bytes. */
  readonly tokenizer?: FileTokenizer | undefined;
}

/** Whether the ids of a task are bytes. */
export function hasBytes(task: Task, tokenizer: FileTokenizer | undefined): boolean {
  return task === "stories" || (task === "text" && !tokenizer);
}

/** A source that may hold a file open. */
export type OpenSource = DataSource & AsyncDisposable;

/**
 * @throws CliError `USAGE` when a task lacks its file or has one that it does not read, or does not fit the model;
 * TrainError `CONFIG`, `DATA`
 */
export async function openSource(
  { task, path, length, tokens, vocabSize, seed }: DataRecipe,
  { vocabSize: modelVocabSize, tokenizer }: Reader,
  host: Host,
): Promise<OpenSource> {
  const isFile = task === "text" || task === "tokens";
  if (isFile && path === undefined) throw usage(`${task} needs --data <file>`);
  if (!isFile && path !== undefined) throw usage(`${task} makes its own data: leave --data out`);
  if (tokens !== undefined && task !== "selective-copying") throw usage(`${task} has no field tokens`);
  if (hasBytes(task, tokenizer) && vocabSize !== undefined && vocabSize !== 256) {
    throw usage(`the vocabulary of ${task} is the 256 bytes`);
  }
  if (task === "stories" && tokenizer) throw usage("stories are bytes, but the model has a tokenizer");
  const { inductionHeads, selectiveCopying, stories } = await import("@mamba/tasks");
  const { textFile, tokenLines } = await import("@mamba/train/node");
  const generated = (source: DataSource): OpenSource => ({
    ...source,
    [Symbol.asyncDispose]: async () => {},
  });
  const missingVocabulary = (): never => {
    throw usage("tokens for a new model needs --vocab-size");
  };
  switch (task) {
    case "induction":
      return generated(inductionHeads({ length, vocabSize, seed }));
    case "selective-copying":
      return generated(selectiveCopying({ length, tokens, vocabSize, seed }));
    case "stories":
      return generated(stories({ length, seed }));
    case "text":
      if (!tokenizer) return textFile(path as string, { length });
      return openTokenized(path as string, length, vocabSize ?? modelVocabSize, tokenizer, host);
    case "tokens":
      return tokenLines(path as string, {
        length,
        vocabSize: vocabSize ?? modelVocabSize ?? missingVocabulary(),
      });
    default:
      return task satisfies never;
  }
}

/** Text through a tokenizer: it becomes tokens once, in the user's cache. */
async function openTokenized(
  path: string,
  length: number,
  vocabSize: number | undefined,
  tokenizer: FileTokenizer,
  host: Host,
): Promise<OpenSource> {
  const { tokenizedText } = await import("@mamba/train/node");
  using bar = progress(host, "tokenizing");
  return await tokenizedText(path, {
    length,
    tokenizer,
    tokenizerFiles: tokenizer.files,
    vocabSize: vocabSize ?? vocabularyOf(tokenizer),
    cacheFolder: join(host.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "mamba", "tokens"),
    signal: host.signal,
    onProgress: (done, total) => bar.update(done, total),
  });
}
