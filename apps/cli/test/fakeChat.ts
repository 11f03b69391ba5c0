import { setImmediate } from "node:timers/promises";
import type { AnswerOptions, ChatEvent, ChatMessage, ChatOptions } from "@mamba/chat";
import type { ChatModel } from "../src/chat/openChat.ts";

/** The beginning of a saved state. */
const savedHead = '\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0000"mamba generation state"';

/** The answer of a fake model to a message. */
export interface FakeAnswer {
  readonly reasoning?: string;
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly arguments: Record<string, string> }[];
  /** The answer fails after its text. */
  readonly error?: Error;
}

/** A model whose answers a test writes. It keeps messages as `ChatSession` does, and has no state. */
export function fakeModel(
  answerTo: (messages: readonly ChatMessage[], options: AnswerOptions) => FakeAnswer,
): ChatModel {
  class FakeConversation {
    messages: readonly ChatMessage[];
    constructor(messages: readonly ChatMessage[]) {
      this.messages = messages;
    }
    async prepare() {
      await Promise.resolve();
    }
    send(message: string | ChatMessage | readonly ChatMessage[], options: AnswerOptions = {}) {
      const added =
        typeof message === "string" ? [{ role: "user" as const, content: message }] : [message].flat();
      return this.#answer([...this.messages, ...added], options);
    }
    regenerate(options: AnswerOptions = {}) {
      const last = this.messages.map(({ role }) => role).lastIndexOf("user");
      return this.#answer(this.messages.slice(0, last + 1), options);
    }
    edit(index: number, content: string, options: AnswerOptions = {}) {
      return this.#answer([...this.messages.slice(0, index), { role: "user", content }], options);
    }
    fork(index = this.messages.length - 1) {
      return new FakeConversation(this.messages.slice(0, index + 1));
    }
    save() {
      return Promise.resolve(new TextEncoder().encode(`${savedHead}${JSON.stringify(this.messages)}`));
    }
    dispose() {
      this.messages = [];
    }
    async *#answer(messages: readonly ChatMessage[], options: AnswerOptions): AsyncGenerator<ChatEvent> {
      const { reasoning, text = "", calls = [], error } = answerTo(messages, options);
      const toolCalls = calls.map((call, i) => ({ id: `call_${i}`, ...call }));
      const keep = (content: string) => {
        const answer = { role: "assistant" as const, content, ...(reasoning !== undefined && { reasoning }) };
        this.messages = [...messages, { ...answer, ...(toolCalls.length > 0 && { toolCalls }) }];
      };
      let written = "";
      try {
        for (const part of reasoning ?? "") yield { type: "reasoning", text: part };
        for (const part of text) {
          await setImmediate();
          options.signal?.throwIfAborted();
          written += part;
          yield { type: "text", text: part };
        }
      } catch (stop) {
        keep(written);
        throw stop;
      }
      if (error) throw error;
      for (const call of toolCalls) yield { type: "toolCall", call };
      keep(text);
      const message = this.messages.at(-1) as ChatMessage & { role: "assistant" };
      const usage = { promptTokens: 12, cachedTokens: 10, readTokens: 2, answerTokens: text.length };
      yield { type: "end", finish: calls.length > 0 ? "toolCalls" : "stop", message, usage };
    }
  }
  const open = ({ system, messages = [] }: ChatOptions) =>
    new FakeConversation([
      ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
      ...messages,
    ]);
  const about = {
    label: "fake",
    backend: "cpu",
    device: "paper",
    hasTokenizer: true,
    hasChat: true,
  } as const;
  return {
    about: { ...about, parameterCount: 0, vocabSize: 0, notes: [] },
    chat: (options) => open(options) as unknown as Awaited<ReturnType<ChatModel["chat"]>>,
    restoreChat: (bytes) => {
      const messages = JSON.parse(new TextDecoder().decode(bytes).slice(savedHead.length)) as ChatMessage[];
      return Promise.resolve(open({ messages }) as unknown as Awaited<ReturnType<ChatModel["chat"]>>);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
