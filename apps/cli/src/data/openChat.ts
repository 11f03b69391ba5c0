import { readFile } from "node:fs/promises";
import { ChatTemplate } from "@mamba/chat";
import type { CheckpointTokenizer } from "@mamba/checkpoint";
import type { ChatFile } from "@mamba/train/node";
import { usage } from "../program/errors.ts";
import { note, type Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";
import type { DataRecipe, Reader } from "./openSource.ts";
import { tokenCache } from "./tokenCache.ts";

/**
 * Opens a file of conversations, and prints how much of it is left out. The tokens are kept in the user's cache.
 *
 * @throws CliError `USAGE` when the model has no tokenizer; ChatError `NO_TEMPLATE`, `TEMPLATE`; TrainError `CONFIG`, `DATA`
 */
export async function openChat(recipe: DataRecipe, reader: Reader, host: Host): Promise<ChatFile> {
  const { path, length, variables, skipDamaged } = recipe;
  if (path === undefined) throw usage("chat needs --data <file>");
  const { tokenizer, vocabSize = tokenizer?.vocabSize ?? 0 } = reader;
  if (!tokenizer) {
    const why = reader.noTokenizer ?? "its ids are bytes, and it has no tokens that begin and end messages";
    throw usage(
      reader.vocabSize === undefined
        ? "chat for a new model needs --tokenizer <folder>"
        : `the model cannot read conversations: ${why}`,
    );
  }
  const { chatFile } = await import("@mamba/train/node");
  const template = await chatTemplateOf(recipe, tokenizer);
  const file = await (async () => {
    using bar = progress(host, "tokenizing");
    return await chatFile(path, {
      ...{ length, variables, skipDamaged, template, tokenizer, vocabSize },
      tokenizerFiles: tokenizer.files,
      cacheFolder: tokenCache(host),
      signal: host.signal,
      onProgress: (done, total) => bar.update(done, total),
    });
  })();
  describe(file, recipe, host);
  return file;
}

/** The template of the recipe's file, or that of the tokenizer. @throws ChatError `NO_TEMPLATE`, `TEMPLATE` */
export async function chatTemplateOf(
  { template: path }: Pick<DataRecipe, "template">,
  tokenizer: CheckpointTokenizer,
): Promise<ChatTemplate> {
  const template = path === undefined ? undefined : await readFile(path, "utf8");
  return ChatTemplate.of(tokenizer, { template });
}

function describe({ report }: ChatFile, { path, length }: DataRecipe, host: Host): void {
  const { conversations, answers, examples, targets, dropped, tooLong, skipped, firstSkipped = "" } = report;
  const learned = `${count(answers, "answer")}, ${count(targets, "target")} in ${count(examples, "example")}`;
  note(host, `${path ?? ""}: ${count(conversations, "conversation")}, ${learned}`);
  if (dropped > 0) {
    const whole = tooLong > 0 ? `, among them all of ${count(tooLong, "conversation")}` : "";
    note(host, `note: ${count(dropped, "answer")} do not fit --length ${length} and are left out${whole}`);
  }
  if (skipped > 0)
    note(host, `note: ${count(skipped, "conversation")} are left out, the first: ${firstSkipped}`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
