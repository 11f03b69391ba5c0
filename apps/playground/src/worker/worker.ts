import { blobFiles, type CheckpointFiles, inspectCheckpoint, urlFiles } from "@mamba/checkpoint/browser";
import type { BackendId, Command, Report, StoredModel, Work } from "../protocol.ts";
import { firstChoice, probeBackends } from "./backends.ts";
import { failure } from "./failure.ts";
import { Session } from "./session.ts";
import { keepModel, listModels, removeModel } from "./store.ts";
import { Training } from "./training.ts";

const session = start();
const training = new Training(report);
/** Pieces of work are done one after the other. */
let queue: Promise<void> = Promise.resolve();
/** Stops the one at hand. */
let stopper = new AbortController();

addEventListener("message", ({ data }: MessageEvent<Command>) => void obey(data));

async function obey(command: Command): Promise<void> {
  const writer = await session;
  switch (command.type) {
    case "stop":
      stopper.abort();
      break;
    case "backend":
      if (writer.isWriting || training.isRunning) {
        (writer.isWriting ? writer : training).carryTo(command.id);
        report({ type: "done" });
      } else enqueue("backend", (session, signal) => session.changeBackend(command.id, signal));
      break;
    case "generate":
      enqueue("text", (session, signal) => session.write(command.prompt, command.settings, signal));
      break;
    case "train":
      enqueue("training", async (session, signal) => {
        const change = (wish: BackendId): Promise<void> => session.changeBackend(wish, signal);
        await training.run(command.settings, session.backend, change, signal);
      });
      break;
    case "examine":
      enqueue("training", (session, signal) => training.examine(session.backend, signal));
      break;
    case "use":
      enqueue("model", (session, signal) => session.use(command.id, signal));
      break;
    case "forget":
      enqueue("model", (session) => forget(session, command.id));
      break;
    case "fetch":
      enqueue("model", (session, signal) => fetchModel(session, command.url, signal));
      break;
    case "keep":
      enqueue("model", (session, signal) => takeFiles(session, command.files, signal));
      break;
  }
}

function enqueue(kind: Work, work: (session: Session, signal: AbortSignal) => Promise<void>): void {
  queue = queue.then(async () => {
    const { signal } = (stopper = new AbortController());
    report({ type: "busy", work: kind });
    try {
      await work(await session, signal);
    } catch (error) {
      if (!signal.aborted) report(failure(error));
      await (await session).recover(error);
    }
    report({ type: "done" });
  });
}

/** Finds out what there is. */
async function start(): Promise<Session> {
  const choices = await probeBackends();
  report({ type: "backends", choices });
  const first = firstChoice(choices);
  report({ type: "running", backend: first, device: undefined });
  await listModels().then(
    (models) => report({ type: "stored", models }),
    (error: unknown) => report(failure(error)),
  );
  return new Session(first, report);
}

async function fetchModel(session: Session, url: string, signal: AbortSignal): Promise<void> {
  const kept = (await listModels()).find((model) => model.url === url);
  if (kept) return session.use(kept.id, signal);
  const { files } = await urlFiles(url, { cache: false, signal });
  await add(session, files, { name: nameOf(url), url }, signal);
}

async function takeFiles(session: Session, files: readonly File[], signal: AbortSignal): Promise<void> {
  const blobs = new Map(files.map((file) => [file.name, file]));
  const date = new Date().toLocaleDateString("en", { day: "numeric", month: "short" });
  await add(session, blobFiles(blobs), { name: `Files of ${date}` }, signal);
}

/** Keeps a model and uses it. */
async function add(
  session: Session,
  files: CheckpointFiles,
  about: Pick<StoredModel, "name" | "url">,
  signal: AbortSignal,
): Promise<void> {
  const onBytes = (file: string, done: number, total: number | undefined): void =>
    report({ type: "progress", what: `Storing ${file}`, unit: "bytes", done, total });
  const { id } = await keepModel(files, about, inspectCheckpoint, onBytes, signal);
  report({ type: "stored", models: await listModels() });
  await session.use(id, signal);
}

async function forget(session: Session, id: string): Promise<void> {
  await session.forget(id);
  await removeModel(id);
  report({ type: "stored", models: await listModels() });
}

/** `https://huggingface.co/state-spaces/mamba-130m-hf/resolve/main/` is called state-spaces/mamba-130m-hf. */
function nameOf(url: string): string {
  const { host, pathname } = new URL(url);
  const parts = pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const end = parts.indexOf("resolve");
  return (end === -1 ? parts.slice(-1) : parts.slice(0, end)).join("/") || host;
}

function report(message: Report): void {
  postMessage(message);
}
