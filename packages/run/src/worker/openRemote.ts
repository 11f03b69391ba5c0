import type { ChatOptions } from "@mamba/chat";
import type { BackendName } from "../backends/options.ts";
import { RunError } from "../errors.ts";
import type { ModelAbout } from "../model/about.ts";
import { checkOpenOptions } from "../model/checkOpenOptions.ts";
import type { ModelSource } from "../model/options.ts";
import { Connection } from "./connection.ts";
import { workerPort } from "./ports.ts";
import { protocolVersion } from "./protocol.ts";
import { WorkerChats, withoutHooks } from "./workerChat.ts";
import type {
  GeneratedText,
  MemoryUse,
  OpenInWorkerOptions,
  RestoreChatOptions,
  WorkerChat,
  WorkerGenerateOptions,
  WorkerLike,
  WorkerModel,
} from "./workerModel.ts";

/** The platform of a thread that opens a model in a worker. */
export interface RemotePlatform {
  readonly names: readonly BackendName[];
  /** Starts a worker of this package. */
  startWorker(): WorkerLike;
  /** An address as it means the same in the worker: absolute where it is relative to a page. */
  absolute(address: string): string;
}

/** Opens a model in a worker. */
export async function openRemote(
  platform: RemotePlatform,
  source: ModelSource,
  { worker, transfer = false, signal, onProgress, adapter, ...options }: OpenInWorkerOptions,
): Promise<WorkerModel> {
  checkOpenOptions({ ...options, adapter, signal, onProgress }, platform.names);
  signal?.throwIfAborted();
  const sentSource = sendable(source, platform);
  const sentAdapter = adapter && sendable(adapter, platform);
  const lock = `mamba-worker-${Date.now()}-${Math.random()}`;
  const connection = new Connection(workerPort(worker ?? platform.startWorker(), lock));
  let hasAnswered = false;
  // A worker that has not answered may never do so: its script may not import the host.
  const giveUp = (): void => {
    if (!hasAnswered) void connection.terminate(signal?.reason as Error);
  };
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    const about = await connection.ask(
      "open",
      { version: protocolVersion, source: sentSource, options: { ...options, adapter: sentAdapter }, lock },
      {
        signal,
        transfer: transfer ? [sentSource, sentAdapter].flatMap(buffersOf) : [],
        onReport(report) {
          hasAnswered = true;
          if (report.type === "progress") onProgress?.(report.progress);
        },
      },
    );
    return new RemoteModel(about, connection);
  } catch (error) {
    await connection.terminate(new RunError("DISPOSED", "the model did not open"));
    throw error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** A source as data. @throws RunError `OPTIONS` for files behind functions */
function sendable(source: ModelSource, platform: RemotePlatform): ModelSource {
  if (typeof source === "string") return platform.absolute(source);
  if (source instanceof URL) return source.href;
  if (source instanceof Blob || source instanceof Map) return source;
  const message =
    "openInWorker: files behind functions cannot be sent to a worker; give a Map of bytes or Blobs";
  throw new RunError("OPTIONS", message);
}

/** The buffers of the bytes in a source, each once. */
function buffersOf(source: ModelSource | undefined): ArrayBuffer[] {
  const contents: unknown[] = source instanceof Map ? [...source.values()] : [];
  const buffers = contents.map((content) => (content instanceof Uint8Array ? content.buffer : undefined));
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}

/** A model that a worker holds. */
class RemoteModel implements WorkerModel {
  readonly about: ModelAbout;
  readonly #connection: Connection;
  readonly #chats: WorkerChats;

  constructor(about: ModelAbout, connection: Connection) {
    this.about = about;
    this.#connection = connection;
    this.#chats = new WorkerChats(connection);
  }

  generate(
    prompt: string | readonly number[],
    options: WorkerGenerateOptions = {},
  ): AsyncGenerator<GeneratedText, void, undefined> {
    const { hooks, ...sent } = withoutHooks(options);
    return this.#connection.stream("generate", { prompt, options: sent }, hooks);
  }

  async chat(options: ChatOptions = {}): Promise<WorkerChat> {
    return this.#chats.begin((chat) => this.#connection.ask("chat", { chat, options }));
  }

  async restoreChat(
    bytes: Uint8Array,
    { transfer = false, ...options }: RestoreChatOptions = {},
  ): Promise<WorkerChat> {
    const moved = transfer && bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
    return this.#chats.begin((chat) =>
      this.#connection.ask("restore", { chat, bytes, options }, { transfer: moved }),
    );
  }

  async memory(): Promise<MemoryUse> {
    return this.#connection.ask("memory", {});
  }

  dispose(): Promise<void> {
    return this.#connection.close(new RunError("DISPOSED", "the model is disposed"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
