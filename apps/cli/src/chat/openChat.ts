import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ChatOptions, ChatSession } from "@mamba/chat";
import type { BackendName, ModelAbout, OpenOptions, OpenProgress, WorkerChat } from "@mamba/run";
import type { WeightDType } from "@mamba/kernel";
import { formatBytes } from "@mamba/display";
import { hubOptions, type ModelChoice } from "../checkpoints/loadModel.ts";
import { note, type Host } from "../program/host.ts";
import { type Progress, progress } from "../program/progress.ts";

/** The model of a chat, and where it computes. */
export interface ChatModelChoice extends ModelChoice {
  readonly adapter?: string | undefined;
  readonly backend: BackendName | "auto";
  readonly threads?: number | undefined;
  readonly activations?: "int8" | "f32" | undefined;
  readonly dtype?: WeightDType | undefined;
}

/** A conversation, in this thread or in a worker. */
export type Conversation = ChatSession | WorkerChat;

/** An open model to chat with. */
export interface ChatModel extends AsyncDisposable {
  readonly about: ModelAbout;
  chat(options: ChatOptions): Conversation | Promise<Conversation>;
  restoreChat(bytes: Uint8Array, options: ChatOptions): Promise<Conversation>;
}

/**
 * Opens the model with a progress bar, and prints its notes.
 *
 * @param isInteractive true to open it in a worker, so that keys are read while the model computes. Otherwise it is opened in this
 * thread, which starts sooner
 */
export async function openChat(
  choice: ChatModelChoice,
  isInteractive: boolean,
  host: Host,
): Promise<ChatModel> {
  const { openInWorker, openModel } = await import("@mamba/run");
  const { findRandomMarker } = await import("../checkpoints/randomWeights.ts");
  const source = await placeOf(choice.model);
  const random = await findRandomMarker(source);
  const { threads, activations, backend, dtype, adapter } = choice;
  using bar = new OpenBar(host);
  const isCpu = threads !== undefined || activations !== undefined;
  const options: OpenOptions = {
    ...hubOptions(choice, host),
    ...{ dtype, adapter, signal: host.signal },
    ...(backend === "auto" ? {} : { backend }),
    ...(isCpu && { cpu: { threads, activations } }),
    onProgress: (step) => bar.update(step),
  };
  const model = await (isInteractive ? openInWorker : openModel)(source, options);
  if (await isAdapter(source)) note(host, `note: the adapter ${source} is attached to ${model.about.label}`);
  for (const text of model.about.notes) note(host, `note: ${text}`);
  if (random !== undefined) note(host, `note: the weights are random, the text has no meaning (${random})`);
  return model;
}

async function exists(...path: string[]): Promise<boolean> {
  return (await stat(join(...path)).catch(() => undefined)) !== undefined;
}

/** True for the folder of an adapter, which opens the model that it names. */
async function isAdapter(source: string): Promise<boolean> {
  return (await exists(source, "adapter_config.json")) && !(await exists(source, "config.json"));
}

/** The folder of the model or adapter that a run of `mamba train` wrote into its folder; other sources as they are. */
async function placeOf(source: string): Promise<string> {
  if (!(await exists(source, "state.safetensors"))) return source;
  if (await exists(source, "adapter", "adapter_config.json")) return join(source, "adapter");
  return (await exists(source, "model", "config.json")) ? join(source, "model") : source;
}

/** A progress bar for each phase of opening a model. */
class OpenBar implements Disposable {
  readonly #host: Host;
  #phase: OpenProgress["phase"] | undefined;
  #bar: Progress | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  update({ phase, done, total = done }: OpenProgress): void {
    if (phase !== this.#phase) {
      this.#bar?.[Symbol.dispose]();
      const labels = { download: "downloading", load: "loading", compile: "compiling" };
      this.#bar = progress(this.#host, labels[phase], phase === "compile" ? String : formatBytes);
      this.#phase = phase;
    }
    this.#bar?.update(done, total);
  }

  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
  }
}
