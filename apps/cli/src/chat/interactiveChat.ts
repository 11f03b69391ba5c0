import type { AnswerOptions, ChatEvent, ChatMessage, ChatOptions, ToolCall } from "@mamba/chat";
import { createColors } from "picocolors";
import { hasColors } from "../program/colors.ts";
import { codeOf, describeError, usage } from "../program/errors.ts";
import { note, type Host, print, withoutControls } from "../program/host.ts";
import { Branches } from "./branches.ts";
import { describeStats } from "./describeStats.ts";
import type { History } from "./history.ts";
import { onOneLine } from "./joinLines.ts";
import type { LineEditor, ReadLine } from "./lineEditor.ts";
import type { ChatModel, Conversation } from "./openChat.ts";
import { printAnswer } from "./printAnswer.ts";
import { SeedSequence } from "./seeds.ts";
import type { AnswerSettings } from "./settings.ts";
import { runSlashCommand } from "./slashCommands.ts";

/** The parts of an interactive chat. */
export interface InteractiveChatParts {
  readonly host: Host;
  readonly model: ChatModel;
  readonly editor: LineEditor;
  readonly history: History;
  readonly conversation: Conversation;
  /** Options of conversations that begin here. */
  readonly options: ChatOptions;
  readonly settings: AnswerSettings;
  readonly showsStats: boolean;
}

/** Aborts an answer when Ctrl-C is pressed. */
const stopped = new Error("the answer was stopped");

/** A chat on a terminal. */
export class InteractiveChat {
  readonly host: Host;
  readonly model: ChatModel;
  readonly editor: LineEditor;
  readonly branches: Branches;
  readonly options: ChatOptions;
  settings: AnswerSettings;
  showsStats: boolean;
  /** Tokens and times of the last answer, in words. */
  lastStats: string | undefined;
  readonly #history: History;
  readonly #seeds = new SeedSequence();
  #keepsHistory = true;

  constructor(parts: InteractiveChatParts) {
    this.host = parts.host;
    this.model = parts.model;
    this.editor = parts.editor;
    this.options = parts.options;
    this.settings = parts.settings;
    this.showsStats = parts.showsStats;
    this.branches = new Branches(parts.conversation);
    this.#history = parts.history;
  }

  get conversation(): Conversation {
    return this.branches.current.chat;
  }

  /** Columns of the terminal. */
  get columns(): number {
    const { stdout, stderr } = this.host as { stdout: { columns?: number }; stderr: { columns?: number } };
    return stdout.columns ?? stderr.columns ?? 80;
  }

  /**
   * Reads messages and answers them until the user leaves.
   *
   * @throws the reason of the host's signal; errors after which the model cannot be used
   */
  async run(): Promise<void> {
    let interrupts = 0;
    for (;;) {
      const line = await this.read(this.#prompt());
      if (line.type === "end") {
        await print(this.host, "\n");
        return;
      }
      if (line.type === "interrupt") {
        if (++interrupts === 2) return;
        await this.say("Ctrl-C once more, Ctrl-D or /exit leaves");
        continue;
      }
      interrupts = 0;
      await this.remember(line.text);
      if (line.text.trim() === "") continue;
      try {
        const isCommand = line.text.startsWith("/") && !line.text.startsWith("//");
        if (isCommand) {
          if ((await runSlashCommand(this, line.text)) === "exit") return;
        } else await this.send(line.text.replace(/^\/\//, "/"));
      } catch (error) {
        this.host.signal.throwIfAborted();
        if (["WORKER", "DISPOSED"].includes(codeOf(error) ?? "")) throw error;
        note(this.host, describeError(error));
      }
    }
  }

  /** Sends a message, prints the answer, and asks for the results of the tools that it calls. */
  async send(message: string | readonly ChatMessage[]): Promise<void> {
    await this.answer((options) => this.conversation.send(message, options));
  }

  /** Prints an answer, and asks for the results of the tools that it calls. Ctrl-C stops it. */
  async answer(start: (options: AnswerOptions) => AsyncGenerator<ChatEvent>): Promise<void> {
    for (let next = start; ;) {
      const calls = await this.#oneAnswer(next);
      if (calls.length === 0) return;
      const results = await this.#readResults(calls);
      if (results === undefined) {
        await this.say("the tools have no results; /back drops your message, /edit changes it");
        return;
      }
      next = (options) => this.conversation.send(results, options);
    }
  }

  /** Replaces the conversation by its beginning of so many messages. */
  async cut(count: number): Promise<void> {
    const { messages } = this.conversation;
    if (count === 0) await this.begin(withoutMessages);
    else if (count < messages.length) await this.branches.replace(await this.conversation.fork(count - 1));
  }

  /** Replaces the conversation by one that begins with these messages. */
  async begin(options: Pick<ChatOptions, "system" | "messages">): Promise<void> {
    await this.branches.replace(await this.model.chat({ ...this.options, ...options }));
  }

  /** The index of the message with a number, as `/messages` shows them. @throws CliError `USAGE` */
  indexOf(number: string): number {
    const { length } = this.conversation.messages;
    const index = Number(number) - 1;
    if (Number.isInteger(index) && index >= 0 && index < length) return index;
    throw usage(`expected the number of a message, from 1 to ${length}, got ${JSON.stringify(number)}`);
  }

  /** Prints a line about the chat itself, apart from what the model says. */
  async say(text: string): Promise<void> {
    const { stderr } = this.host;
    stderr.write(`${createColors(hasColors(this.host, "stderr")).dim(withoutControls(text))}\n`);
    await Promise.resolve();
  }

  /** Keeps a line in the history. A history that cannot be written is reported once. */
  async remember(line: string): Promise<void> {
    try {
      if (this.#keepsHistory) await this.#history.add(onOneLine(line));
    } catch (error) {
      this.#keepsHistory = false;
      note(this.host, `note: the history of this chat is not kept: ${describeError(error)}`);
    }
  }

  #prompt(): string {
    const { list, current } = this.branches;
    return list.length > 1 ? `${current.name}> ` : "> ";
  }

  /**
   * Reads a message.
   *
   * @param text shown as if it were typed
   * @throws the reason of the host's signal
   */
  async read(prompt: string, text?: string): Promise<ReadLine> {
    const { signal } = this.host;
    signal.throwIfAborted();
    let onAbort: () => void = () => undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([this.editor.read(prompt, text), aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async #oneAnswer(
    start: (options: AnswerOptions) => AsyncGenerator<ChatEvent>,
  ): Promise<readonly ToolCall[]> {
    const { host } = this;
    const stop = new AbortController();
    const signal = AbortSignal.any([host.signal, stop.signal]);
    const seed = this.#seeds.next(this.settings.seed);
    try {
      const answer = await this.editor.during(
        () => stop.abort(stopped),
        () => printAnswer((onProgress) => start({ ...this.settings, seed, signal, onProgress }), host),
      );
      this.lastStats = describeStats(answer);
      if (this.showsStats) await this.say(this.lastStats);
      if (answer.end.finish === "length") await this.say("the answer has reached --max-tokens");
      return answer.end.finish === "toolCalls" ? (answer.end.message.toolCalls ?? []) : [];
    } catch (error) {
      host.signal.throwIfAborted();
      if (!stop.signal.aborted) throw error;
      const isAnswered = this.conversation.messages.at(-1)?.role === "assistant";
      await this.say(
        isAnswered ? "stopped" : "stopped before the answer began; /retry answers, /back drops your message",
      );
      return [];
    }
  }

  /** The results that the user types for the calls; undefined when the user leaves them out. */
  async #readResults(calls: readonly ToolCall[]): Promise<readonly ChatMessage[] | undefined> {
    const results: ChatMessage[] = [];
    for (const { id, name } of calls) {
      const line = await this.read(`result of ${withoutControls(onOneLine(name))}> `);
      if (line.type !== "message") return undefined;
      results.push({ role: "tool", content: line.text, toolCallId: id, name });
    }
    return results;
  }
}

const withoutMessages = { system: undefined, messages: undefined };
