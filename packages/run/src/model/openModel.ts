import { type ChatOptions, ChatSession, type RestoreOptions } from "@mamba/chat";
import type { CheckpointTokenizer, LoadedCheckpoint } from "@mamba/checkpoint";
import { generate, type GeneratedToken, type GenerateOptions, type GenerationInput } from "@mamba/core";
import type { LoraAdapter, MambaLM } from "@mamba/core";
import type { Kernel } from "@mamba/kernel";
import { openBest } from "../backends/openBest.ts";
import type { BackendName } from "../backends/options.ts";
import { RunError } from "../errors.ts";
import type { ModelAbout } from "./about.ts";
import { checkOpenOptions } from "./checkOpenOptions.ts";
import type { ModelSource, OpenOptions } from "./options.ts";
import type { FileOptions, ModelPlatform } from "./platform.ts";
import { warmUp } from "./warmUp.ts";

/** The parts of an open model, which it owns. */
interface Parts {
  readonly kernel: Kernel;
  readonly loaded: LoadedCheckpoint;
  readonly adapter: LoraAdapter | undefined;
  readonly notes: readonly string[];
}

/** A model on an open backend. It owns both; conversations and generations end before it is disposed. */
export class OpenModel implements AsyncDisposable {
  readonly kernel: Kernel;
  readonly model: MambaLM;
  /** Undefined for a model that takes token ids only. */
  readonly tokenizer: CheckpointTokenizer | undefined;
  /** Ids that end a text. */
  readonly stopIds: readonly number[];
  /** Facts about the model, as plain data. */
  readonly about: ModelAbout;
  readonly #adapter: LoraAdapter | undefined;

  constructor({ kernel, loaded, adapter, notes }: Parts) {
    const { model, tokenizer, stopIds, label } = loaded;
    this.kernel = kernel;
    this.model = model;
    this.tokenizer = tokenizer;
    this.stopIds = stopIds;
    this.#adapter = adapter;
    let parameterCount = 0;
    for (const { shape } of model.parameters.values())
      parameterCount += shape.reduce((size, n) => size * n, 1);
    this.about = {
      label,
      backend: kernel.name as BackendName,
      device: kernel.capabilities.device,
      parameterCount,
      vocabSize: model.config.vocabSize,
      hasTokenizer: tokenizer !== undefined,
      hasChat: tokenizer !== undefined && tokenizer.chatTemplates.size > 0,
      notes,
    };
  }

  /** Origin of the model, for people: the folder, the name and revision, or the URL. */
  get label(): string {
    return this.about.label;
  }

  /** Notes for the user. Usually empty. */
  get notes(): readonly string[] {
    return this.about.notes;
  }

  /** Generates tokens, as `generate` of `@mamba/core`, with the model's tokenizer and stop ids. */
  generate(
    input: GenerationInput,
    options: GenerateOptions = {},
  ): AsyncGenerator<GeneratedToken, void, undefined> {
    const { tokenizer, stopIds } = this;
    return generate(this.model, input, { tokenizer, stopIds, ...options });
  }

  /**
   * Begins a conversation.
   *
   * @throws ChatError `NO_TEMPLATE` for a model without a chat template, and the other codes of `ChatSession`
   */
  chat(options: ChatOptions = {}): ChatSession {
    return new ChatSession(this, options);
  }

  /**
   * Goes on with a conversation that `ChatSession.save` or `WorkerChat.save` wrote.
   *
   * @throws ChatError `SAVED`
   */
  restoreChat(bytes: Uint8Array, options: RestoreOptions = {}): Promise<ChatSession> {
    return ChatSession.restore(this, bytes, options);
  }

  /** Frees the model and closes its backend. Repeated calls do nothing. */
  async dispose(): Promise<void> {
    this.#adapter?.dispose();
    this.model.dispose();
    await this.kernel.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Opens a backend and loads a model onto it. */
export async function openOn(
  platform: ModelPlatform,
  source: ModelSource,
  options: OpenOptions,
): Promise<OpenModel> {
  checkOpenOptions(options, platform.names);
  const { backend, cpu, adapter, onProgress, signal, ...files } = options;
  const fileOptions: FileOptions = {
    ...files,
    signal,
    onProgress: ({ phase, file, doneBytes: done, totalBytes: total }) => {
      if (phase !== "convert") onProgress?.({ phase, done, total, file });
    },
  };
  const base = await platform.adapterBase(source, fileOptions);
  if (base !== undefined && adapter !== undefined) {
    throw new RunError(
      "OPTIONS",
      "openModel: the source is an adapter itself; give the base as the source with an adapter",
    );
  }
  const adapterSource = base === undefined ? adapter : source;
  const kernel = await openBest(platform, { backend, cpu, signal });
  let loaded: LoadedCheckpoint | undefined;
  let lora: LoraAdapter | undefined;
  try {
    loaded = await platform.loadCheckpoint(kernel, base ?? source, fileOptions);
    const notes = [...loaded.notes];
    if (adapterSource !== undefined) {
      lora = await platform.loadAdapter(loaded.model, adapterSource, fileOptions);
      loaded.model.attach(lora);
      const templates = await platform.adapterTemplates(adapterSource, fileOptions);
      const { tokenizer } = loaded;
      // The adapter has learned its own template, and not those of the base.
      if (tokenizer && templates.size > 0)
        loaded = { ...loaded, tokenizer: { ...tokenizer, chatTemplates: templates } };
      const madeFor = lora.config.base;
      if (base === undefined && madeFor !== undefined && !platform.isBase(madeFor, source))
        notes.push(`the adapter was made for ${madeFor}, the model is ${loaded.label}`);
    }
    await warmUp(kernel, loaded.model, (done, total) => onProgress?.({ phase: "compile", done, total }));
    signal?.throwIfAborted();
    return new OpenModel({ kernel, loaded, adapter: lora, notes });
  } catch (error) {
    lora?.dispose();
    loaded?.model.dispose();
    await kernel.dispose();
    throw error;
  }
}
