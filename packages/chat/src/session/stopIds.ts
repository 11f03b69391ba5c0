import type { ChatTokenizer } from "../encode/chatTokenizer.ts";
import { ChatError } from "../errors.ts";
import type { ChatTemplate } from "../template/chatTemplate.ts";
import type { ChatModel } from "./chatModel.ts";

/**
 * The ids that end an answer: those of the tokenizer and of the model, and the special token that the template writes after an answer,
 * since the files of many models name only the token that ends a text.
 */
export function answerStopIds(
  { stopIds = [] }: ChatModel,
  tokenizer: ChatTokenizer,
  template: ChatTemplate,
): readonly number[] {
  const after = textAfterAnswer(template);
  const tokens = [...tokenizer.specialTokens].sort(([a], [b]) => b.length - a.length);
  const end = tokens.find(([text]) => text !== "" && after.startsWith(text));
  return [...new Set([...tokenizer.stopIds, ...stopIds, ...(end ? [end[1]] : [])])];
}

function textAfterAnswer(template: ChatTemplate): string {
  const answer = "answer-7f3a";
  try {
    const text = template.render([
      { role: "user", content: "question" },
      { role: "assistant", content: answer },
    ]);
    const at = text.lastIndexOf(answer);
    return at === -1 ? "" : text.slice(at + answer.length).trimStart();
  } catch (error) {
    // A template may want more than these two messages. The stop ids of the files are enough then.
    if (ChatError.is(error, "TEMPLATE")) return "";
    throw error;
  }
}
