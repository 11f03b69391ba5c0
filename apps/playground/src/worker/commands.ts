import { type CheckpointFiles, inspectCheckpoint } from "@mamba/checkpoint/browser";
import type { Command, Query, Report, StoredModel, Work } from "../protocol.ts";
import { openBackend } from "./backends.ts";
import { removeChat } from "./chat/chatStore.ts";
import { Chatting } from "./chat/chatting.ts";
import { failure } from "./failure.ts";
import { checkFit, memoryNeed } from "./fit/memoryNeed.ts";
import type { Session } from "./session.ts";
import { nameOf } from "./store/modelName.ts";
import { listModels, removeModel, storeModel } from "./store/modelStore.ts";
import { diskOrigin, type Origin, urlOrigin } from "./store/origin.ts";
import { storageRoom } from "./store/room.ts";
import { type Place, Training } from "./training/training.ts";
import { Writing } from "./writing.ts";

/** Runs the commands of the page, one after the other. */
export class Commands {
  readonly #session: Session;
  readonly #report: (report: Report) => void;
  readonly #writing: Writing;
  readonly #chatting: Chatting;
  readonly #training: Training;
  #queue: Promise<void> = Promise.resolve();
  /** Stops the current command. */
  #controller = new AbortController();

  constructor(session: Session, report: (report: Report) => void) {
    this.#session = session;
    this.#report = report;
    this.#writing = new Writing(session, report);
    this.#chatting = new Chatting(session, report);
    this.#training = new Training(report);
  }

  handle(command: Command): void {
    const [session, writing, training] = [this.#session, this.#writing, this.#training];
    const chatting = this.#chatting;
    switch (command.type) {
      case "stop":
        this.#controller.abort();
        break;
      case "device":
        session.budget = command.budget;
        break;
      case "backend":
        if (writing.isRunning || training.isRunning) {
          (writing.isRunning ? writing : training).moveTo(command.id);
          this.#report({ type: "done" });
        } else this.#enqueue("backend", (signal) => session.changeBackend(command.id, signal));
        break;
      case "generate":
        this.#enqueue("text", (signal) => writing.run(command.prompt, command.settings, signal));
        break;
      case "send":
        this.#enqueue("chat", (signal) => chatting.send(command.text, command.settings, signal));
        break;
      case "edit":
        this.#enqueue("chat", (signal) =>
          chatting.edit(command.index, command.text, command.settings, signal),
        );
        break;
      case "retry":
        this.#enqueue("chat", (signal) => chatting.retry(command.settings, signal));
        break;
      case "version":
        this.#enqueue("chat", (signal) => chatting.choose(command.index, command.version, signal));
        break;
      case "clear":
        this.#enqueue("chat", (signal) => chatting.clear(signal));
        break;
      case "train":
        this.#enqueue(command.settings.kind, (signal) =>
          training.train(command.settings, this.#place(signal), signal),
        );
        break;
      case "continue":
        this.#enqueue(command.kind, (signal) =>
          training.continue(command.kind, command.steps, this.#place(signal), signal),
        );
        break;
      case "evaluate":
        this.#enqueue(command.kind, (signal) => training.evaluate(command.kind, session.backend, signal));
        break;
      case "forget":
        this.#enqueue(command.kind, () => training.forget(command.kind));
        break;
      case "save":
        this.#enqueue(command.kind, () => training.save(command.kind, session.backend));
        break;
      case "load":
        this.#enqueue(command.kind, (signal) =>
          training.load(command.kind, command.files, session.backend, signal),
        );
        break;
      case "ask":
        this.#ask(command.query);
        break;
      case "use":
        this.#enqueue("model", (signal) => this.#use(command.id, signal));
        break;
      case "delete":
        this.#enqueue("model", () => this.#delete(command.id));
        break;
      case "fetch":
        this.#enqueue("model", (signal) =>
          this.#fetch(command.url, command.name ?? nameOf(command.url), signal),
        );
        break;
      case "store":
        this.#enqueue("model", (signal) => this.#store(command.files, signal));
        break;
    }
  }

  /** Reports the training runs of an earlier visit, before the first command. */
  restore(): void {
    this.#background(() => this.#training.restore());
  }

  #enqueue(kind: Work, work: (signal: AbortSignal) => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      const { signal } = (this.#controller = new AbortController());
      this.#report({ type: "busy", work: kind });
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) this.#report(failure(error));
        await this.#recover(error);
      }
      this.#report({ type: "done" });
    });
  }

  /** Short work that the page does not wait for. */
  #background(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch(async (error: unknown) => {
      this.#report(failure(error));
      await this.#recover(error);
    });
  }

  async #recover(error: unknown): Promise<void> {
    await this.#session.recover(error);
    await this.#training.recover(error);
  }

  #ask(query: Query): void {
    if (this.#training.ask(query)) return;
    this.#background(() => this.#training.answer(query.kind, this.#session.backend));
  }

  #place(signal: AbortSignal): Place {
    const session = this.#session;
    return { backend: session.backend, change: (backend) => session.changeBackend(backend, signal) };
  }

  async #fetch(url: string, name: string, signal: AbortSignal): Promise<void> {
    const stored = (await listModels()).find((model) => model.url === url && model.received === undefined);
    if (stored) return this.#use(stored.id, signal);
    await this.#add(urlOrigin(url), { name, url }, signal);
  }

  async #store(files: readonly File[], signal: AbortSignal): Promise<void> {
    const date = new Date().toLocaleDateString("en", { day: "numeric", month: "short" });
    const [first] = files;
    const name = files.length === 1 && first ? first.name : `Files of ${date}`;
    await this.#add(diskOrigin(files), { name }, signal);
  }

  /** Loads a stored model, with the conversation of an earlier visit. */
  async #use(id: string, signal: AbortSignal): Promise<void> {
    await this.#session.use(id, signal);
    await this.#chatting.open(await this.#session.current(signal));
  }

  /** Stores a model and uses it. */
  async #add(origin: Origin, about: Pick<StoredModel, "name" | "url">, signal: AbortSignal): Promise<void> {
    const label = about.url === undefined ? `Storing ${about.name}` : `Downloading ${about.name}`;
    const onBytes = (done: number, total: number | undefined): void =>
      this.#report({ type: "progress", label, unit: "bytes", done, total });
    try {
      const { id } = await storeModel(
        origin,
        about,
        (files) => this.#check(files, about.name),
        onBytes,
        signal,
      );
      await this.reportStored();
      await this.#use(id, signal);
    } finally {
      await this.reportStored();
    }
  }

  /** Checks that files are a model that fits into the memory of this device. */
  async #check(files: CheckpointFiles, name: string): Promise<void> {
    await using kernel = await openBackend(this.#session.backend);
    const summary = await inspectCheckpoint(files, { kernel });
    checkFit(name, memoryNeed(summary), kernel, this.#session.budget, 0);
  }

  async #delete(id: string): Promise<void> {
    await this.#session.closeIf(id);
    await removeModel(id);
    await removeChat(id);
    await this.reportStored();
  }

  /** Reports the stored models, and the storage that is left. */
  async reportStored(): Promise<void> {
    const models = await listModels();
    this.#report({ type: "stored", models, room: await storageRoom() });
  }
}
