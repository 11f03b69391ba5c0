import type { DataSource } from "@mamba/train";
import { usage } from "../args.ts";

export const tasks = ["induction", "selective-copying", "stories", "text", "tokens"] as const;
export type Task = (typeof tasks)[number];

/** Which examples a model is trained or judged on. */
export interface DataRecipe {
  readonly task: Task;
  /** The file of "text" (bytes) and "tokens" (lines of JSON arrays). */
  readonly path?: string | undefined;
  /** Positions per example; for "tokens" the most. */
  readonly length: number;
  /** Of "selective-copying": how many are copied. */
  readonly tokens?: number | undefined;
  /** Of all but "stories" and "text", which have 256. */
  readonly vocabSize?: number | undefined;
  /** Of the generators. */
  readonly seed: number;
}

/** Whether the ids of a task are bytes. */
export function hasBytes(task: Task): boolean {
  return task === "stories" || task === "text";
}

/** A source that may hold a file open. */
export type OpenSource = DataSource & AsyncDisposable;

/**
 * @param modelVocabSize the ids of "tokens" are below this when the recipe does not say
 * @throws CliError `USAGE` when a task lacks its file or has one that it does not read; TrainError `CONFIG`, `DATA`
 */
export async function openSource(
  { task, path, length, tokens, vocabSize, seed }: DataRecipe,
  modelVocabSize: number | undefined,
): Promise<OpenSource> {
  const isFile = task === "text" || task === "tokens";
  if (isFile && path === undefined) throw usage(`${task} needs --data <file>`);
  if (!isFile && path !== undefined) throw usage(`${task} makes its own data: leave --data out`);
  if (tokens !== undefined && task !== "selective-copying") throw usage(`${task} has no field tokens`);
  if (hasBytes(task) && vocabSize !== undefined && vocabSize !== 256) {
    throw usage(`the vocabulary of ${task} is the 256 bytes`);
  }
  const { inductionHeads, selectiveCopying, stories } = await import("@mamba/train");
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
      return textFile(path as string, { length });
    case "tokens":
      return tokenLines(path as string, {
        length,
        vocabSize: vocabSize ?? modelVocabSize ?? missingVocabulary(),
      });
    default:
      return task satisfies never;
  }
}
