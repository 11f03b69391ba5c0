import { TextStream, type Tokenizer } from "@mamba/core";
import type { ChatSetup } from "./chatSetup.ts";
import type { PromptPlan } from "./promptPlan.ts";
import type { Mark } from "./readText.ts";
import { decodedBefore } from "./writtenAnswer.ts";

/**
 * The text of the ids that a model wrote after a prompt, with its special tokens, and the marks at its end: before the id that ended it, if there
 * was one, and after it.
 *
 * @param ids all ids of the state
 * @param messages number of messages with the answer
 */
export function answerMarks(
  { tokenizer }: ChatSetup,
  { text: before, length }: PromptPlan,
  ids: readonly number[],
  hasStopId: boolean,
  messages: number,
): { readonly text: string; readonly marks: readonly Mark[] } {
  const stream = new TextStream(tokenizer, { specialTokens: true });
  stream.read(ids.slice(Math.max(length - decodedBefore, 0), length));
  const written = ids.slice(length);
  // Plain text that spells a special token looks like the token here, and has other ids.
  if (spells(tokenizer, written)) return { text: "", marks: [] };
  const content = hasStopId ? written.slice(0, -1) : written;
  let text = "";
  for (const id of content) text += stream.push(id).text;
  const contentText = text + stream.rest();
  const marks: Mark[] = [
    { offset: before.length + contentText.length, length: length + content.length, messages },
  ];
  if (!hasStopId) return { text: contentText, marks };
  for (const id of written.slice(-1)) text += stream.push(id).text;
  text += stream.rest();
  // A decoder may write the end of a broken character in another way when an id follows.
  const certain = text.startsWith(contentText) ? marks : [];
  return { text, marks: [...certain, { offset: before.length + text.length, length: ids.length, messages }] };
}

function spells(tokenizer: Tokenizer, ids: readonly number[]): boolean {
  const plain = tokenizer.decode(ids);
  return [...tokenizer.specialTokens.keys()].some((name) => name !== "" && plain.includes(name));
}
