import { blobFiles, type CheckpointFiles, inspectCheckpoint, urlFiles } from "@mamba/checkpoint/browser";
import type { BackendId, Command, Report, StoredModel, Work } from "../protocol.ts";
import { failure } from "./failure.ts";
import { nameOf } from "./modelName.ts";
import { listModels, removeModel, storeModel } from "./modelStore.ts";
import type { Session } from "./session.ts";
import { Training } from "./training.ts";
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
        this.#enqueue("training", async (signal) => {
          const change = (backend: BackendId): Promise<void> => session.changeBackend(backend, signal);
          await training.run(command.settings, session.backend, change, signal);
        });
        break;
      case "evaluate":
        this.#enqueue("training", (signal) => training.evaluate(session.backend, signal));
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

  #enqueue(kind: Work, work: (signal: AbortSignal) => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      const { signal } = (this.#controller = new AbortController());
      this.#report({ type: "busy", work: kind });
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) this.#report(failure(error));
        await this.#session.recover(error);
      }
      this.#report({ type: "done" });
    });
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
