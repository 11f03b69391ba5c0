import { type ChatTemplate, type ChatTokenizer, encodeRendered, type RenderedText } from "@mamba/chat";
import type { JsonObject } from "@mamba/core/safetensors";
import { type Example, ignoreIndex } from "../dataSource.ts";
import { TrainError } from "../errors.ts";
import type { Conversation } from "./conversation.ts";

export interface ChatExamplesOptions {
  readonly template: ChatTemplate;
  readonly tokenizer: ChatTokenizer;
  /** The most positions of an example. Default: no bound. */
  readonly maxLength?: number | undefined;
  /** Variables of the template, such as `enable_thinking`. They should be those of the chats to come. */
  readonly variables?: JsonObject | undefined;
  /** The date for templates that write one. */
  readonly now?: Date | undefined;
}

/** The examples of one conversation, and how much of it they hold. */
export interface ChatExamples {
  readonly examples: readonly Example[];
  /** Answers that the examples have as targets. */
  readonly answers: number;
  /** Answers that are left out, since an example with them would be longer than `maxLength`. */
  readonly dropped: number;
}

/**
 * The examples that teach a model the assistant's messages of a conversation. The targets are the tokens of its answers, each
 * up to and including the token that ends it; all other positions have `ignoreIndex`.
 *
 * An answer follows what the model reads when it answers: the messages before, rendered with the prompt for an answer. Turns
 * share an example where the rendering of the later turn begins with that of the earlier one. Templates that leave the reasoning
 * of earlier answers out change what was there, so there each answer after such a change begins another example. Ids are made
 * from the same texts as in a chat: each prompt from where the last answer ended, and each answer.
 *
 * Tool calls and reasoning are learned as the template writes them. An assistant's message before the first message of a user
 * or tool is not learned, as the model never begins.
 *
 * @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`; TrainError `DATA` when the template's prompt for an answer does not fit
 * what it writes for the answer, or it writes no end of an answer and the tokenizer names none; `CONFIG` (maxLength)
 */
export function chatExamples(conversation: Conversation, options: ChatExamplesOptions): ChatExamples {
  const { maxLength = Infinity } = options;
  if (!(maxLength >= 1))
    throw new TrainError("CONFIG", `chatExamples: maxLength must be at least 1, got ${String(maxLength)}`);
  const { messages, unlearned = [] } = conversation;
  const firstPrompt = messages.findIndex(({ role }) => role === "user" || role === "tool");
  const turns = messages.flatMap(({ role }, i) =>
    role === "assistant" && i > firstPrompt && firstPrompt >= 0 ? [i] : [],
  );
  const isLearned = (turn: number) => !unlearned.includes(turn);
  const examples: Example[] = [];
  let growing = new GrowingExample();
  const finish = () => {
    const example = growing.example();
    if (example) examples.push(example);
    growing = new GrowingExample();
  };
  let answers = 0;
  let dropped = 0;
  for (const turn of turns) {
    const { prompt, answer } = renderTurn(conversation, turn, options);
    const goesOn = growing.text !== "" && prompt.text.startsWith(growing.text);
    if (!goesOn) finish();
    const read = encodeRendered(options.tokenizer, prompt, growing.text.length);
    if (growing.positionsWith(read, answer) > maxLength) {
      if (isLearned(turn)) dropped++;
      continue;
    }
    growing.add(read, answer, isLearned(turn));
    if (isLearned(turn)) answers++;
  }
  finish();
  return { examples, answers, dropped };
}

/** An answer as the model should give it. */
interface Answer {
  readonly ids: readonly number[];
  /** The token that ends the answer where the template writes none: a target, but no id that is read. */
  readonly impliedEnd: number | undefined;
  /** All text up to the end of the answer. */
  readonly text: string;
}

/** The ids and targets of an example, turn by turn. */
class GrowingExample {
  /** The text of `ids`. */
  text = "";
  readonly #ids: number[] = [];
  /** The target of each id. */
  readonly #targets: number[] = [];
  #counts = false;

  /** The positions of the example with another turn: the last id is a target alone, unless the end is implied. */
  positionsWith(read: readonly number[], { ids, impliedEnd }: Answer): number {
    return this.#ids.length + read.length + ids.length - (impliedEnd === undefined ? 1 : 0);
  }

  add(read: readonly number[], answer: Answer, isLearned: boolean): void {
    for (const id of read) this.#push(id, false);
    for (const id of answer.ids) this.#push(id, isLearned);
    if (isLearned && answer.impliedEnd !== undefined)
      this.#targets[this.#targets.length - 1] = answer.impliedEnd;
    this.#counts ||= isLearned;
    this.text = answer.text;
  }

  #push(id: number, isTarget: boolean): void {
    if (isTarget && this.#ids.length > 0) this.#targets[this.#targets.length - 1] = id;
    this.#ids.push(id);
    this.#targets.push(ignoreIndex);
  }

  /** Undefined without a target. */
  example(): Example | undefined {
    if (!this.#counts) return undefined;
    let end = this.#targets.length;
    while (this.#targets[end - 1] === ignoreIndex) end--;
    return {
      ids: Int32Array.from(this.#ids.slice(0, end)),
      targets: Int32Array.from(this.#targets.slice(0, end)),
    };
  }
}

/** The rendering that the model reads before the answer `turn`, and the answer. */
function renderTurn(
  { messages, tools }: Conversation,
  turn: number,
  { template, tokenizer, variables, now }: ChatExamplesOptions,
): { prompt: RenderedText; answer: Answer } {
  const options = { tools, variables, now };
  const prompt = template.renderMarked(messages.slice(0, turn), { ...options, addGenerationPrompt: true });
  const whole = template.renderMarked(messages.slice(0, turn + 1), options);
  const { before, from } = answerStart(prompt.text, whole.text, messages[turn]);
  const opening = before === "" ? [] : tokenizer.encode(before, { continuation: true });
  const ids = encodeRendered(tokenizer, whole, from);
  const end = endOf(ids, whole.text, tokenizer);
  const answer =
    end === undefined
      ? {
          ids: [...opening, ...ids],
          impliedEnd: impliedEnd(tokenizer),
          text: prompt.text + before + whole.text.slice(from),
        }
      : {
          ids: [...opening, ...ids.slice(0, end.ids)],
          impliedEnd: undefined,
          text: prompt.text + before + whole.text.slice(from, end.text),
        };
  return { prompt, answer };
}

/**
 * The place where the answer begins in the whole rendering, and the text before it that the rendering lacks. The prompt for an answer may
 * begin it, as `<think>` does, and the rendering of the message leave that out.
 */
function answerStart(
  prompt: string,
  whole: string,
  message: Conversation["messages"][number] | undefined,
): { before: string; from: number } {
  if (whole.startsWith(prompt)) return { before: "", from: prompt.length };
  let from = 0;
  while (from < prompt.length && prompt[from] === whole[from]) from++;
  const begun = prompt.slice(from);
  const [, name = ""] = /^<(\w+)>\s*$/.exec(begun) ?? [];
  if (name !== "") {
    const reasoning = message?.role === "assistant" ? (message.reasoning ?? "") : "";
    return { before: `${reasoning}\n</${name}>\n\n`, from };
  }
  // The prompt has blanks, or leaves the reasoning empty, and the rendering leaves it out.
  if (/^(?:<(\w+)>\s*<\/\1>)?\s*$/.test(begun)) return { before: "", from };
  throw new TrainError(
    "DATA",
    `the template's prompt for an answer ends with ${JSON.stringify(begun.slice(0, 80))}, with which it does not begin the answer`,
  );
}

/** The end of the answer: the last special token, when nothing but blanks follows. Undefined when the template writes none. */
function endOf(
  ids: readonly number[],
  text: string,
  { specialTokens }: ChatTokenizer,
): { ids: number; text: number } | undefined {
  const texts = new Map([...specialTokens].map(([token, id]) => [id, token]));
  let last = ids.length - 1;
  while (last >= 0 && !texts.has(ids[last] ?? -1)) last--;
  const token = texts.get(ids[last] ?? -1);
  const written = text.trimEnd();
  return token !== undefined && written.endsWith(token) ? { ids: last + 1, text: written.length } : undefined;
}

function impliedEnd({ stopIds, namedTokens }: ChatTokenizer): number {
  const [id = namedTokens.eos?.id] = stopIds;
  if (id !== undefined) return id;
  throw new TrainError(
    "DATA",
    "the template writes no token at the end of an answer, and the tokenizer names no end token",
  );
}
