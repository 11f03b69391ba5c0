import { encodeRendered } from "../encode/encodeChat.ts";
import { ChatError } from "../errors.ts";
import type { ChatMessage } from "../message.ts";
import type { RenderedText } from "../template/chatTemplate.ts";
import { type ChatSetup, render } from "./chatSetup.ts";
import type { Mark, ReadText } from "./readText.ts";

/** How a state comes to hold a conversation. */
export interface PromptPlan {
  /** The rendered text, in comparable form. */
  readonly text: string;
  /** The place from which the state goes on. */
  readonly mark: Mark;
  /** The ids of the text after `mark`. */
  readonly ids: readonly number[];
  /** Number of ids of the text. */
  readonly length: number;
  /** Marks after `mark`, up to the end of the text. */
  readonly marks: readonly Mark[];
}

/**
 * Plans the reading of a conversation up to the place where its answer begins. New marks are at the ends of messages before a message
 * of the user, where the text up to there is that of a shorter conversation.
 *
 * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`, `LENGTH`
 */
export function planPrompt(setup: ChatSetup, read: ReadText, messages: readonly ChatMessage[]): PromptPlan {
  const rendered = render(setup, messages, true);
  const text = setup.comparable(rendered);
  const mark = read.markFor(text);
  const ends = messageEnds(setup, text, mark, messages);
  return {
    text,
    ...encodeFrom(setup, rendered, mark, [...ends, { offset: text.length, messages: messages.length }]),
  };
}

/**
 * Plans the reading of what every continuation of the conversation by a message of the user begins with: the text that two of them
 * have in common, up to a special token.
 *
 * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`, `LENGTH`
 */
export function planCommon(setup: ChatSetup, read: ReadText, messages: readonly ChatMessage[]): PromptPlan {
  const withUser = (content: string): RenderedText =>
    render(setup, [...messages, { role: "user", content }], true);
  const rendered = withUser("a");
  const whole = setup.comparable(rendered);
  const other = setup.comparable(withUser("b"));
  let end = 0;
  while (end < whole.length && whole.charCodeAt(end) === other.charCodeAt(end)) end++;
  const text = whole.slice(0, afterSpecialToken(setup, whole.slice(0, end)));
  const mark = read.markFor(text);
  const cut = { text: rendered.text.slice(0, text.length), literals: rendered.literals };
  const ends = messageEnds(setup, text, mark, [...messages, { role: "user", content: "a" }]);
  return {
    text,
    ...encodeFrom(setup, cut, mark, [...ends, { offset: text.length, messages: messages.length }]),
  };
}

/** The end of the last special token of a text: nothing after it changes the ids before it. The end of the text where there is none. */
function afterSpecialToken({ tokenizer }: ChatSetup, text: string): number {
  const ends = [...tokenizer.specialTokens.keys()].map((token) => {
    const at = token === "" ? -1 : text.lastIndexOf(token);
    return at === -1 ? 0 : at + token.length;
  });
  return Math.max(...ends, 0) || text.length;
}

type MessageEnd = Pick<Mark, "offset" | "messages">;

/**
 * Ends of messages after `mark`, in ascending order: as many as there are checkpoints beside that of the prompt's end, the last ones
 * and the first, at which a system prompt ends.
 */
function messageEnds(
  setup: ChatSetup,
  text: string,
  mark: Mark,
  messages: readonly ChatMessage[],
): MessageEnd[] {
  // Later turns drop the mark of reasoning that a prompt opens, so the place before it is the last one that stays.
  const opensReasoning = setup.format.reasoning.some(({ open }) => text.trimEnd().endsWith(open));
  const counts = [
    ...messages.flatMap(({ role }, i) => (role === "user" && i > mark.messages ? [i] : [])),
    ...(opensReasoning ? [messages.length] : []),
  ];
  const count = setup.keep - 1;
  const chosen =
    counts.length <= count ? counts : [...counts.slice(0, 1), ...counts.slice(1).slice(1 - count)];
  return chosen.slice(0, count).flatMap((ended) => {
    const offset = lengthOfFirst(setup, text, messages.slice(0, ended));
    return offset !== undefined && offset > mark.offset ? [{ offset, messages: ended }] : [];
  });
}

/** Characters of the text of the first messages alone, where `text` begins with it. */
function lengthOfFirst(setup: ChatSetup, text: string, messages: readonly ChatMessage[]): number | undefined {
  try {
    const first = setup.comparable(render(setup, messages, false));
    return text.startsWith(first) ? first.length : undefined;
  } catch (error) {
    // Some templates refuse a conversation that ends here. There is no mark then.
    if (ChatError.is(error, "TEMPLATE")) return undefined;
    throw error;
  }
}

/** The ids after `mark`. A mark stays where the ids of the chunks are those of the whole. */
function encodeFrom(
  { tokenizer, maxLength }: ChatSetup,
  rendered: RenderedText,
  mark: Mark,
  ends: readonly MessageEnd[],
): Omit<PromptPlan, "text"> {
  const ids = encodeRendered(tokenizer, rendered, mark.offset);
  const length = mark.length + ids.length;
  if (maxLength !== undefined && length >= maxLength) {
    const remedy = "begin another session, edit an earlier message, or raise maxLength";
    throw new ChatError(
      "LENGTH",
      `the conversation has ${length} tokens, and maxLength ${maxLength}: ${remedy}`,
    );
  }
  const marks: Mark[] = [];
  let [offset, count] = [mark.offset, 0];
  for (const end of ends) {
    if (end.offset === rendered.text.length) {
      marks.push({ ...end, length });
      break;
    }
    const literals = rendered.literals.filter(({ start }) => start < end.offset);
    const chunk = encodeRendered(tokenizer, { text: rendered.text.slice(0, end.offset), literals }, offset);
    if (!chunk.every((id, i) => ids[count + i] === id)) continue;
    [offset, count] = [end.offset, count + chunk.length];
    marks.push({ ...end, length: mark.length + count });
  }
  return { mark, ids, length, marks };
}
