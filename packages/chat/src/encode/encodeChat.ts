import type { ChatMessage } from "../message.ts";
import type { ChatTemplate, RenderedText, RenderOptions } from "../template/chatTemplate.ts";
import type { ChatTokenizer } from "./chatTokenizer.ts";

/**
 * Returns the ids of a rendered conversation, or of its rest: the special tokens that the template wrote become their ids, those
 * that a message spells stay plain text. Adds no BOS: the template writes it.
 *
 * @param from the ids of the text from here on, which is the end of a text that was encoded before. Default 0
 */
export function encodeRendered(
  tokenizer: ChatTokenizer,
  { text, literals }: RenderedText,
  from = 0,
): number[] {
  const rest = literals
    .filter(({ end }) => end > from)
    .map(({ start, end }) => ({ start: Math.max(start - from, 0), end: end - from }));
  return tokenizer.encode(text.slice(from), {
    continuation: from > 0,
    specialTokens: true,
    addSpecialTokens: false,
    literals: rest,
  });
}

/**
 * Returns the ids of a conversation, as HF's `apply_chat_template(tokenize=True)` does.
 *
 * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`
 */
export function encodeChat(
  template: ChatTemplate,
  tokenizer: ChatTokenizer,
  messages: readonly ChatMessage[],
  options?: RenderOptions,
): number[] {
  return encodeRendered(tokenizer, template.renderMarked(messages, options));
}
