import type { AnswerOptions, ChatEvent, ChatMessage, PrepareOptions, SaveOptions } from "@mamba/chat";
import { RunError } from "../errors.ts";
import type { AskOptions, Connection, Question } from "./connection.ts";
import type { Items, MessageChange, Report } from "./protocol.ts";
import type { WorkerChat } from "./workerModel.ts";

/** The conversations of one worker. */
export class WorkerChats {
  readonly #connection: Connection;
  readonly #chats = new Map<number, RemoteChat>();
  #next = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.onMessages = (change) => this.#chats.get(change.chat)?.change(change);
  }

  /** Begins a conversation with a request for the number that it gets. */
  async begin(ask: (chat: number) => Promise<unknown>): Promise<WorkerChat> {
    const number = this.#next++;
    const chat = new RemoteChat(number, this.#connection, this);
    this.#chats.set(number, chat);
    try {
      await ask(number);
    } catch (error) {
      this.forget(number);
      throw error;
    }
    return chat;
  }

  forget(chat: number): void {
    this.#chats.delete(chat);
  }
}

/** A conversation that a worker holds. */
class RemoteChat implements WorkerChat {
  readonly #chat: number;
  readonly #connection: Connection;
  readonly #chats: WorkerChats;
  #messages: readonly ChatMessage[] = [];
  #isDisposed = false;

  constructor(chat: number, connection: Connection, chats: WorkerChats) {
    this.#chat = chat;
    this.#connection = connection;
    this.#chats = chats;
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  change({ kept, added }: MessageChange): void {
    this.#messages = [...this.#messages.slice(0, kept), ...added];
  }

  async prepare({ signal, onProgress }: PrepareOptions = {}): Promise<void> {
    this.#check();
    await this.#connection.ask("prepare", { chat: this.#chat }, { signal, onReport: onReading(onProgress) });
  }

  send(
    message: string | ChatMessage | readonly ChatMessage[],
    options: AnswerOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const { hooks, ...sent } = withoutHooks(options);
    return this.#answer("send", { chat: this.#chat, message, options: sent }, hooks);
  }

  regenerate(options: AnswerOptions = {}): AsyncGenerator<ChatEvent, void, undefined> {
    const { hooks, ...sent } = withoutHooks(options);
    return this.#answer("regenerate", { chat: this.#chat, options: sent }, hooks);
  }

  edit(
    index: number,
    content: string,
    options: AnswerOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const { hooks, ...sent } = withoutHooks(options);
    return this.#answer("edit", { chat: this.#chat, index, content, options: sent }, hooks);
  }

  async fork(index?: number): Promise<WorkerChat> {
    this.#check();
    return this.#chats.begin((fork) => this.#connection.ask("fork", { chat: this.#chat, fork, index }));
  }

  async save(options: SaveOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    this.#check();
    return this.#connection.ask("save", { chat: this.#chat, options });
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#chats.forget(this.#chat);
    if (!this.#connection.isEnded) await this.#connection.ask("leave", { chat: this.#chat });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async *#answer<K extends Exclude<keyof Items, "generate">>(
    type: K,
    question: Omit<Question<K>, "type">,
    hooks: AskOptions,
  ): AsyncGenerator<ChatEvent, void, undefined> {
    this.#check();
    yield* this.#connection.stream(type, question, hooks);
  }

  #check(): void {
    if (this.#isDisposed) throw new RunError("DISPOSED", "the conversation is disposed");
  }
}

/** Options as data, and their hooks, which stay in this thread. */
export function withoutHooks<T extends Pick<AnswerOptions, "signal" | "onProgress">>({
  signal,
  onProgress,
  ...options
}: T): Omit<T, "signal" | "onProgress"> & { hooks: AskOptions } {
  return { ...options, hooks: { signal, onReport: onReading(onProgress) } };
}

/** Passes on the progress of reading a prompt. */
function onReading(onProgress: ((done: number, total: number) => void) | undefined) {
  return (report: Report): void => {
    if (report.type === "reading") onProgress?.(report.done, report.total);
  };
}
