import { checkGenerateOptions, didYouMean, MambaError, type MambaLM } from "@mamba/core";
import { isObject, type JsonObject } from "@mamba/core/safetensors";
import { type AnswerFormat, answerFormat } from "../answer/answerFormat.ts";
import type { ChatTokenizer } from "../encode/chatTokenizer.ts";
import { ChatError } from "../errors.ts";
import type { ChatMessage, Tool } from "../message.ts";
import { ChatTemplate, type RenderedText } from "../template/chatTemplate.ts";
import type { ChatModel } from "./chatModel.ts";
import type { AnswerOptions, ChatOptions } from "./chatOptions.ts";
import { type Comparable, comparableWith } from "./conversationText.ts";
import { copied } from "./copied.ts";
import { answerStopIds } from "./stopIds.ts";

/** The part of a session that does not change. A session and its forks have the same one. */
export interface ChatSetup {
  readonly model: MambaLM;
  readonly tokenizer: ChatTokenizer;
  readonly template: ChatTemplate;
  /** The option `template`. */
  readonly givenTemplate: string | undefined;
  readonly tools: readonly Tool[];
  readonly variables: JsonObject;
  readonly format: AnswerFormat;
  readonly stopIds: readonly number[];
  readonly comparable: Comparable;
  /** The time that the template writes: that of the session's beginning, so that the conversation before an answer stays as it is. */
  readonly now: Date;
  readonly maxLength: number | undefined;
  readonly keep: number;
  readonly defaults: AnswerOptions;
}

export const defaultMaxTokens = 1024;

/**
 * Splits options of `ChatSession` into the setup and the first messages.
 *
 * @throws ChatError `NO_TEMPLATE`, `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES`; MambaError `OPTIONS`
 */
export function chatSetup(
  loaded: ChatModel,
  options: ChatOptions,
  now = new Date(),
): { readonly setup: ChatSetup; readonly messages: readonly ChatMessage[] } {
  const {
    system,
    tools = [],
    messages: given = [],
    template: givenTemplate,
    variables = {},
    maxLength,
    keep = 8,
    ...defaults
  } = options;
  const { model, tokenizer } = loaded;
  if (!tokenizer) {
    const remedy =
      "a chat needs the files of its tokenizer, such as tokenizer.json and tokenizer_config.json";
    throw new ChatError("NO_TEMPLATE", `the model has no tokenizer: ${remedy}`);
  }
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new MambaError(
      "OPTIONS",
      `ChatSession: option keep must be a whole number >= 1, got ${String(keep)}`,
    );
  }
  const typed = [
    ["template", givenTemplate === undefined || typeof givenTemplate === "string", "a string"],
    ["variables", isObject(variables), "an object"],
  ] as const;
  for (const [name, holds, words] of typed) {
    if (!holds) throw new MambaError("OPTIONS", `ChatSession: option ${name} must be ${words}`);
  }
  checkAnswerOptions("ChatSession", model, tokenizer, {
    ...defaults,
    ...(maxLength !== undefined && { maxLength }),
  });
  const template = ChatTemplate.of(tokenizer, { template: givenTemplate });
  const messages = copied(given, "messages");
  if (system !== undefined && messages[0]?.role === "system") {
    throw new ChatError(
      "MESSAGES",
      "the option system and a first message of the role system exclude each other",
    );
  }
  const setup: ChatSetup = {
    model,
    tokenizer,
    template,
    givenTemplate,
    tools: copied(tools, "tools"),
    variables: copied(variables, "variables"),
    format: answerFormat(template, tokenizer),
    stopIds: answerStopIds(loaded, tokenizer, template),
    comparable: comparableWith(tokenizer.specialTokens),
    now,
    maxLength,
    keep,
    defaults,
  };
  return {
    setup,
    messages: system === undefined ? messages : [{ role: "system", content: system }, ...messages],
  };
}

const answerOptionNames: Readonly<Record<keyof AnswerOptions, true>> = {
  maxTokens: true,
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  frequencyPenalty: true,
  presencePenalty: true,
  logitBias: true,
  allow: true,
  seed: true,
  stop: true,
  signal: true,
  onProgress: true,
};

/** @throws MambaError `OPTIONS` for an option that is not in `known` */
export function checkNames(owner: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known);
  throw new MambaError("OPTIONS", `${owner}: there is no option ${JSON.stringify(unknown)}${hint}`);
}

/** @throws MambaError `OPTIONS`, naming the option, its rule and the value */
export function checkAnswerOptions(
  owner: string,
  { config }: MambaLM,
  tokenizer: ChatTokenizer,
  options: AnswerOptions & { readonly maxLength?: number },
): void {
  const { maxLength: _, ...named } = options;
  checkNames(owner, named, Object.keys(answerOptionNames));
  checkGenerateOptions(owner, { ...options, tokenizer }, config.vocabSize);
  if (options.maxTokens === 0) {
    throw new MambaError("OPTIONS", `${owner}: option maxTokens must be a whole number >= 1, got 0`);
  }
}

/** @throws ChatError `TEMPLATE`, `TEMPLATE_LIMIT`, `MESSAGES` */
export function render(
  { template, tools, variables, now }: ChatSetup,
  messages: readonly ChatMessage[],
  addGenerationPrompt: boolean,
): RenderedText {
  return template.renderMarked(messages, {
    addGenerationPrompt,
    variables,
    tools,
    now,
  });
}
