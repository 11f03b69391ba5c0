import { blobFiles, type CheckpointFiles, inspectCheckpoint, urlFiles } from "@mamba/checkpoint/browser";
import type { Command, Query, Report, StoredModel, Work } from "../protocol.ts";
import { failure } from "./failure.ts";
import { nameOf } from "./modelName.ts";
import { listModels, removeModel, storeModel } from "./modelStore.ts";
import type { Session } from "./session.ts";
import { type Place, Training } from "./training/training.ts";
import { Writing } from "./writing.ts";

/** Runs the commands of the page, one after the other. */
export class Commands {
  readonly #session: Session;
  readonly #report: (report: Report) => void;
  readonly #writing: Writing;
  readonly #training: Training;
  #queue: Promise<void> = Promise.resolve();
  /** Stops the current command. */
  #controller = new AbortController();

  constructor(session: Session, report: (report: Report) => void) {
    this.#session = session;
    this.#report = report;
    this.#writing = new Writing(session, report);
    this.#training = new Training(report);
  }

  handle(command: Command): void {
    const [session, writing, training] = [this.#session, this.#writing, this.#training];
    switch (command.type) {
      case "stop":
        this.#controller.abort();
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
        this.#enqueue("model", (signal) => session.use(command.id, signal));
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
    const stored = (await listModels()).find((model) => model.url === url);
    if (stored) return this.#session.use(stored.id, signal);
    const { files } = await urlFiles(url, { cache: false, signal });
    await this.#add(files, { name, url }, signal);
  }

  async #store(files: readonly File[], signal: AbortSignal): Promise<void> {
    const blobs = new Map(files.map((file) => [file.name, file]));
    const date = new Date().toLocaleDateString("en", { day: "numeric", month: "short" });
    await this.#add(blobFiles(blobs), { name: `Files of ${date}` }, signal);
  }

  /** Stores a model and uses it. */
  async #add(
    files: CheckpointFiles,
    about: Pick<StoredModel, "name" | "url">,
    signal: AbortSignal,
  ): Promise<void> {
    const onBytes = (file: string, done: number, total: number | undefined): void =>
      this.#report({ type: "progress", label: `Storing ${file}`, unit: "bytes", done, total });
    const { id } = await storeModel(files, about, inspectCheckpoint, onBytes, signal);
    this.#report({ type: "stored", models: await listModels() });
    await this.#session.use(id, signal);
  }

  async #delete(id: string): Promise<void> {
    await this.#session.closeIf(id);
    await removeModel(id);
    this.#report({ type: "stored", models: await listModels() });
  }
}
