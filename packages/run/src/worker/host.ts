import type { ChatEvent, ChatSession } from "@mamba/chat";
import { RunError } from "../errors.ts";
import type { OpenModel } from "../model/openModel.ts";
import type { ModelSource, OpenOptions } from "../model/options.ts";
import { joinEvents, joinTexts } from "./joinItems.ts";
import { parseRequest, requestId } from "./parseRequest.ts";
import type { Asked, Items, MessageChange, Report, Request, Results } from "./protocol.ts";
import { sentError } from "./sentError.ts";
import { ServedChat } from "./servedChat.ts";
import { StreamWindow } from "./streamWindow.ts";
import type { GeneratedText } from "./workerModel.ts";

type Item = Items[keyof Items];

/** The platform of a host. */
export interface HostPlatform {
  open(source: ModelSource, options: OpenOptions): Promise<OpenModel>;
  /** Takes a lock until this worker ends. False where the platform has no such locks, or needs none. */
  lock(name: string): Promise<boolean>;
}

/** A request that runs. */
interface Running {
  readonly controller: AbortController;
  window?: Pick<StreamWindow<unknown>, "taken"> | undefined;
  chat?: ServedChat | undefined;
  /** Resolves after the last report. */
  ended: Promise<void>;
}

/** The result of a request. */
interface Outcome {
  readonly result?: Results[keyof Results];
  readonly items?: readonly Item[];
  readonly transfer?: readonly ArrayBuffer[];
}

/** Serves the requests of one thread: it holds the one model, and its conversations. */
export class Host {
  readonly #platform: HostPlatform;
  readonly #post: (report: Report, transfer: readonly ArrayBuffer[]) => void;
  readonly #running = new Map<number, Running>();
  readonly #chats = new Map<number, Promise<ServedChat>>();
  #model: Promise<OpenModel> | undefined;
  #isClosed = false;

  constructor(platform: HostPlatform, post: (report: Report, transfer: readonly ArrayBuffer[]) => void) {
    this.#platform = platform;
    this.#post = post;
  }

  /** Handles a message. Never throws: what is wrong with a message is reported. */
  receive(data: unknown): void {
    try {
      const request = parseRequest(data);
      if (request.type === "taken") this.#running.get(request.id)?.window?.taken();
      else if (request.type === "abort") this.#abort(request.id);
      else this.#start(request);
    } catch (error) {
      const id = requestId(data);
      const isRunning = id !== undefined && this.#running.has(id);
      if (id === undefined || isRunning) this.#report({ type: "refused", error: sentError(error) });
      else this.#report({ type: "failed", id, error: sentError(error) });
    }
  }

  #report(report: Report, transfer: readonly ArrayBuffer[] = []): void {
    this.#post(report, transfer);
  }

  #abort(id: number): void {
    this.#running.get(id)?.controller.abort(new Error("the request was aborted"));
  }

  #start(request: Asked): void {
    const { id } = request;
    if (this.#running.has(id)) throw new RunError("PROTOCOL", `worker: request ${id} is running already`);
    const running: Running = { controller: new AbortController(), ended: Promise.resolve() };
    this.#running.set(id, running);
    running.ended = this.#answer(request, running);
  }

  async #answer(request: Asked, running: Running): Promise<void> {
    const { id } = request;
    const { signal } = running.controller;
    const messages = (): { messages?: MessageChange } =>
      running.chat === undefined ? {} : { messages: running.chat.change() };
    try {
      const { result, items = [], transfer } = await this.#run(request, running);
      this.#report({ type: "done", id, result, items, ...messages() }, transfer);
    } catch (error) {
      if (signal.aborted && error === signal.reason) this.#report({ type: "aborted", id, ...messages() });
      else this.#report({ type: "failed", id, error: sentError(error), ...messages() });
    } finally {
      this.#running.delete(id);
    }
  }

  async #run(request: Asked, running: Running): Promise<Outcome> {
    if (this.#isClosed) throw new RunError("DISPOSED", "the model is disposed");
    if (request.type === "open") return this.#open(request, running);
    if (request.type === "close") return this.#close(running);
    if (this.#model === undefined) throw new RunError("PROTOCOL", `worker: ${request.type} came before open`);
    const { id } = request;
    const { signal } = running.controller;
    const onProgress = (done: number, total: number): void => {
      this.#report({ type: "reading", id, done, total });
    };
    const hooks = { signal, onProgress };
    switch (request.type) {
      case "generate":
        return this.#generate(request, hooks, running);
      case "chat":
        return this.#begin(request.chat, running, async (model) => model.chat(request.options));
      case "restore":
        return this.#begin(request.chat, running, (model) =>
          model.restoreChat(request.bytes, request.options),
        );
      case "fork": {
        const from = await this.#chat(request.chat);
        return this.#begin(request.fork, running, async () => from.session.fork(request.index));
      }
      case "memory":
        return { result: (await this.#model).kernel.memory() };
      default:
        break;
    }
    const chat = (running.chat = await this.#chat(request.chat));
    const { session } = chat;
    switch (request.type) {
      case "prepare":
        await session.prepare(hooks);
        return {};
      case "send":
        return this.#answerStream(
          id,
          session.send(request.message, { ...request.options, ...hooks }),
          running,
        );
      case "regenerate":
        return this.#answerStream(id, session.regenerate({ ...request.options, ...hooks }), running);
      case "edit": {
        const { index, content, options } = request;
        return this.#answerStream(id, session.edit(index, content, { ...options, ...hooks }), running);
      }
      case "save": {
        const bytes = ownBytes(await session.save(request.options));
        return { result: bytes, transfer: [bytes.buffer] };
      }
      case "leave":
        this.#chats.delete(request.chat);
        running.chat = undefined;
        session.dispose();
        return {};
    }
  }

  async #open(
    { id, source, options, lock }: Extract<Request, { type: "open" }>,
    { controller: { signal } }: Running,
  ): Promise<Outcome> {
    if (this.#model !== undefined) throw new RunError("PROTOCOL", "worker: it holds a model already");
    const opening = (async () => {
      const isLocked = await this.#platform.lock(lock);
      this.#report({ type: "opening", id, isLocked });
      return this.#platform.open(source, {
        ...options,
        signal,
        onProgress: (progress) => this.#report({ type: "progress", id, progress }),
      });
    })();
    this.#model = opening;
    try {
      return { result: (await opening).about };
    } catch (error) {
      this.#model = undefined;
      throw error;
    }
  }

  async #close(own: Running): Promise<Outcome> {
    this.#isClosed = true;
    const others = [...this.#running.values()].filter((running) => running !== own);
    for (const { controller } of others) controller.abort(new RunError("DISPOSED", "the model is disposed"));
    await Promise.all(others.map(({ ended }) => ended));
    for (const chat of this.#chats.values()) (await chat).session.dispose();
    this.#chats.clear();
    await (await this.#model)?.dispose();
    this.#model = undefined;
    return {};
  }

  async #begin(
    chat: number,
    running: Running,
    make: (model: OpenModel) => Promise<ChatSession>,
  ): Promise<Outcome> {
    if (this.#chats.has(chat))
      throw new RunError("PROTOCOL", `worker: there is a conversation ${chat} already`);
    if (this.#model === undefined) throw new RunError("PROTOCOL", "worker: there is no model");
    const beginning = this.#model.then(make).then((session) => new ServedChat(chat, session));
    this.#chats.set(chat, beginning);
    try {
      running.chat = await beginning;
      return {};
    } catch (error) {
      this.#chats.delete(chat);
      throw error;
    }
  }

  async #chat(chat: number): Promise<ServedChat> {
    const found = this.#chats.get(chat);
    if (found === undefined) throw new RunError("PROTOCOL", `worker: there is no conversation ${chat}`);
    return found;
  }

  async #generate(
    { id, prompt, options }: Extract<Request, { type: "generate" }>,
    hooks: { readonly signal: AbortSignal; readonly onProgress: (done: number, total: number) => void },
    running: Running,
  ): Promise<Outcome> {
    const model = await this.#model;
    if (model === undefined) throw new RunError("PROTOCOL", "worker: there is no model");
    const { signal } = hooks;
    const tokens = model.generate(prompt, { ...options, ...hooks });
    const window = this.#windowOf<GeneratedText>(id, joinTexts, running);
    for await (const { id, text, seed, finish } of tokens)
      await window.push({ text, ids: [id], seed, ...(finish && { finish }) });
    signal.throwIfAborted();
    return { items: window.rest };
  }

  async #answerStream(id: number, events: AsyncIterable<ChatEvent>, running: Running): Promise<Outcome> {
    const window = this.#windowOf<ChatEvent>(id, joinEvents, running);
    for await (const event of events) await window.push(event);
    return { items: window.rest };
  }

  #windowOf<T extends Item>(
    id: number,
    join: (last: T, next: T) => T | undefined,
    running: Running,
  ): StreamWindow<T> {
    const send = (items: readonly T[]): void => this.#report({ type: "items", id, items });
    return (running.window = new StreamWindow(send, join, running.controller.signal));
  }
}

/** The bytes in a buffer of their own, which can be moved to another thread. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return isWhole ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
}
