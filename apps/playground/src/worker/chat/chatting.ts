import {
  type AnswerEvent,
  type AnswerOptions,
  ChatError,
  type ChatEvent,
  type ChatMessage,
} from "@mamba/chat";
import type { AnswerPart, AnswerStats, ChatSettings, Ending, Report, ShownCall } from "../../protocol.ts";
import { Meter } from "../meter.ts";
import type { RunningModel } from "../runningModel.ts";
import type { Session } from "../session.ts";
import { readChat, readState, removeChat, writeChat, writeState } from "./chatStore.ts";
import { ConversationTree } from "./conversationTree.ts";
import { Sessions } from "./sessions.ts";

/** Shortest time between two reports of an answer: faster is invisible and would block the page. */
const reportMs = 40;

/**
 * The conversation with the session's model. It is stored after each change, with its state, so that it goes on after a reload and on
 * another backend.
 */
export class Chatting {
  readonly #session: Session;
  readonly #report: (report: Report) => void;
  /** The model whose conversation this is. */
  #modelId: string | undefined;
  #tree = new ConversationTree();
  #system = "";
  /** The states on the backend of `owner`. */
  #sessions: { readonly owner: RunningModel; readonly sessions: Sessions } | undefined;

  constructor(session: Session, report: (report: Report) => void) {
    this.#session = session;
    this.#report = report;
  }

  /** Shows the conversation with a model that was loaded. */
  async open(running: RunningModel): Promise<void> {
    this.#sessions?.sessions[Symbol.dispose]();
    this.#sessions = undefined;
    const stored = await readChat(running.id);
    this.#modelId = running.id;
    this.#tree = stored?.tree ?? new ConversationTree();
    this.#system = stored?.system ?? "";
    try {
      await this.#open(running);
      this.#show();
    } catch (error) {
      if (!ChatError.is(error)) throw error;
      this.#report({ type: "conversation", conversation: undefined, problem: problemOf(error) });
    }
  }

  async send(text: string, settings: ChatSettings, signal: AbortSignal): Promise<void> {
    const { current } = await this.#prepare(settings, signal);
    const options = this.#options(settings, this.#tree.messages.length, signal);
    await this.#answer(current.send(text, options), signal, [
      ...this.#tree.messages,
      { role: "user", content: text },
    ]);
  }

  async edit(index: number, text: string, settings: ChatSettings, signal: AbortSignal): Promise<void> {
    const sessions = await this.#prepare(settings, signal);
    sessions.keep();
    const { current } = sessions;
    const options = this.#options(settings, index, signal);
    const before = current.messages.length - sessions.messages.length; // the system prompt
    const messages: ChatMessage[] = [...this.#tree.messages.slice(0, index), { role: "user", content: text }];
    await this.#answer(current.edit(before + index, text, options), signal, messages);
  }

  async retry(settings: ChatSettings, signal: AbortSignal): Promise<void> {
    const sessions = await this.#prepare(settings, signal);
    sessions.keep();
    const { messages } = this.#tree;
    const end = lastQuestion(messages) + 1;
    const options = this.#options(settings, end, signal);
    await this.#answer(sessions.current.regenerate(options), signal, messages.slice(0, end));
  }

  /** Shows another version of a message. */
  async choose(index: number, version: number, signal: AbortSignal): Promise<void> {
    this.#tree.choose(index, version);
    const sessions = await this.#open(await this.#session.current(signal));
    sessions.show(this.#system, this.#tree.messages);
    this.#show();
    await this.#store();
  }

  /** Deletes the conversation. The system prompt stays. */
  async clear(signal: AbortSignal): Promise<void> {
    this.#tree = new ConversationTree();
    this.#sessions?.sessions[Symbol.dispose]();
    this.#sessions = undefined;
    const running = await this.#session.current(signal);
    await removeChat(running.id);
    await this.#open(running);
    this.#show();
  }

  /** The sessions of the shown messages, with a system prompt that may have changed. */
  async #prepare({ system }: ChatSettings, signal: AbortSignal): Promise<Sessions> {
    const sessions = await this.#open(await this.#session.current(signal));
    this.#system = system;
    sessions.show(system, this.#tree.messages);
    return sessions;
  }

  /** The sessions on a model: the current ones, or on another backend those of the stored state. */
  async #open(running: RunningModel): Promise<Sessions> {
    if (this.#sessions?.owner === running) return this.#sessions.sessions;
    this.#sessions?.sessions[Symbol.dispose]();
    this.#sessions = undefined;
    const sessions = new Sessions(running.checkpoint, this.#system, this.#tree.messages);
    this.#sessions = { owner: running, sessions };
    const state = await readState(running.id);
    if (state) await sessions.restore(state);
    return sessions;
  }

  #options(settings: ChatSettings, index: number, signal: AbortSignal): AnswerOptions {
    const { maxTokens, temperature, topP, seed } = settings;
    return {
      maxTokens,
      temperature,
      topP,
      // Another version of an answer has another seed, or it would be the same answer.
      seed: seed + this.#tree.versionsOf(index).versions,
      signal,
      onProgress: (done, total) => {
        this.#report({ type: "progress", label: "Reading the conversation", unit: "tokens", done, total });
      },
    };
  }

  /**
   * Reports an answer while it comes, and keeps it.
   *
   * @param asked the messages that it answers
   */
  async #answer(
    events: AsyncGenerator<ChatEvent>,
    signal: AbortSignal,
    asked: readonly ChatMessage[],
  ): Promise<void> {
    this.#tree.follow(asked);
    this.#show();
    const answer = new AnswerReports(this.#report, () => this.#session.memoryBytes);
    let ending: Ending = "stopped";
    try {
      for await (const event of events) {
        answer.add(event);
        if (event.type === "end") ending = event.finish === "length" ? "length" : "stop";
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      answer.flush();
      const messages = this.#sessions?.sessions.messages ?? asked;
      // A failed message is no longer in the session, but stays in the conversation: it can be sent again.
      this.#tree.follow(messages.length < asked.length ? asked : messages);
      this.#show();
      this.#report({ type: "answered", ending, stats: answer.stats });
    }
    await this.#store();
  }

  async #store(): Promise<void> {
    if (this.#modelId === undefined || !this.#sessions) return;
    await writeChat(this.#modelId, { system: this.#system, tree: this.#tree });
    await writeState(this.#modelId, await this.#sessions.sessions.current.save());
  }

  #show(): void {
    const messages = this.#tree.messages.map((message, index) => {
      const { reasoning = "", toolCalls = [] } = message.role === "assistant" ? message : {};
      return {
        role: message.role === "system" ? ("user" as const) : message.role,
        content: message.content,
        reasoning,
        calls: toolCalls.map(shownCall),
        ...this.#tree.versionsOf(index),
      };
    });
    this.#report({
      type: "conversation",
      conversation: { system: this.#system, messages },
      problem: undefined,
    });
  }
}

/** Gathers the parts of an answer into reports, and measures it. */
class AnswerReports {
  readonly #report: (report: Report) => void;
  readonly #memoryBytes: () => number;
  readonly #meter = new Meter();
  readonly #started = performance.now();
  #firstTokenMs: number | undefined;
  #prompt: AnswerStats["prompt"];
  #parts: AnswerPart[] = [];
  #reported = 0;

  constructor(report: (report: Report) => void, memoryBytes: () => number) {
    this.#report = report;
    this.#memoryBytes = memoryBytes;
  }

  /** Undefined before the first token. */
  get stats(): AnswerStats | undefined {
    if (this.#firstTokenMs === undefined) return undefined;
    return {
      tokens: this.#meter.tokens,
      tokensPerSecond: this.#meter.perSecond,
      firstTokenMs: this.#firstTokenMs,
      prompt: this.#prompt,
      memoryBytes: this.#memoryBytes(),
    };
  }

  add(event: ChatEvent): void {
    this.#firstTokenMs ??= performance.now() - this.#started;
    if (event.type === "end") {
      const { readTokens: read, cachedTokens: cached } = event.usage;
      this.#prompt = { read, cached };
      return;
    }
    this.#meter.count();
    this.#parts.push(partOf(event));
    if (performance.now() - this.#reported >= reportMs) this.flush();
  }

  flush(): void {
    const { stats } = this;
    if (stats && this.#parts.length > 0) this.#report({ type: "answer", parts: this.#parts, stats });
    this.#parts = [];
    this.#reported = performance.now();
  }
}

function partOf(event: AnswerEvent): AnswerPart {
  return event.type === "toolCall" ? { type: "call", call: shownCall(event.call) } : event;
}

function shownCall(call: { readonly name: string; readonly arguments: unknown }): ShownCall {
  const { name, arguments: given } = call;
  return { name, arguments: typeof given === "string" ? given : JSON.stringify(given, undefined, 2) };
}

function problemOf(error: ChatError): string {
  return error.code === "NO_TEMPLATE"
    ? "This model has no chat template, which would say how messages become its text: it continues texts, and was not trained to answer messages."
    : `The chat template of this model cannot be used: ${error.message}`;
}

/** The index of the last message that is not an answer. */
function lastQuestion(messages: readonly ChatMessage[]): number {
  for (let i = messages.length - 1; i >= 0; i--) if (messages[i]?.role !== "assistant") return i;
  return -1;
}
