import type { ChatMessage } from "../message.ts";
import type { ChatTemplate, RenderedText, RenderOptions } from "../template/chatTemplate.ts";
import type { ChatTokenizer } from "./chatTokenizer.ts";

/**
 * Returns the ids of a rendered conversation, or of its rest. The special tokens that the template wrote become their ids; those that a
 * message, a tool or a variable spells, in whole or in part, stay plain text. Adds no BOS: the template writes it.
 *
 * The ids of the text up to `from`, encoded before, and these follow each other as those of the whole text do, where `from` is the end
 * of a special token or of what the model generated.
 *
 * @param from where the rest begins, in UTF-16 units. Default 0: the whole text
 */
export function encodeRendered(tokenizer: ChatTokenizer, rendered: RenderedText, from = 0): number[] {
  const before = from > 0 ? specialTokenAt(tokenizer, rendered, from) : undefined;
  if (before === undefined) return encodeFrom(tokenizer, rendered, from);
  // Some tokenizers put a blank at the beginning of a text, or take one after a special token. So the token is encoded again.
  const [first, ...ids] = encodeFrom(tokenizer, rendered, from - before.length);
  return first === tokenizer.specialTokens.get(before) ? ids : encodeFrom(tokenizer, rendered, from);
}

/**
 * Returns the ids of a conversation, as `apply_chat_template` of Hugging Face does, but with the special tokens that a message spells
 * as plain text.
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

function encodeFrom(tokenizer: ChatTokenizer, { text, literals }: RenderedText, from: number): number[] {
  return tokenizer.encode(text.slice(from), {
    continuation: from > 0,
    specialTokens: true,
    addSpecialTokens: false,
    literals: literals
      .filter(({ end }) => end > from)
      .map(({ start, end }) => ({ start: Math.max(start - from, 0), end: end - from })),
  });
}

/** The longest special token of the template that ends at a position. */
function specialTokenAt(
  { specialTokens }: ChatTokenizer,
  { text, literals }: RenderedText,
  end: number,
): string | undefined {
  let longest: string | undefined;
  for (const token of specialTokens.keys()) {
    const start = end - token.length;
    if (token.length <= (longest?.length ?? 0) || start < 0 || !text.startsWith(token, start)) continue;
    if (!literals.some((literal) => literal.start < end && literal.end > start)) longest = token;
  }
  return longest;
}
