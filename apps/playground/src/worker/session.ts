import { type LoadedCheckpoint, loadCheckpoint } from "@mamba/checkpoint/browser";
import { generate, GenerationState } from "@mamba/core";
import { type Kernel, KernelError, openKernel } from "@mamba/kernel";
import type { BackendId, LoadedModel, Report, Settings, Stats } from "../protocol.ts";
import { candidateOf, warmUp } from "./backends.ts";
import { failure } from "./failure.ts";
import { Meter } from "./meter.ts";
import { storedFiles } from "./store.ts";

/** Text goes to the page at most this often: the eye sees no more, and the page stays free. */
const reportMs = 40;
/** Positions of a prompt between two looks at the messages from the page. */
const chunkLength = 128;

/** An open backend with the model on it. */
interface Running {
  readonly backend: BackendId;
  readonly kernel: Kernel;
  readonly checkpoint: LoadedCheckpoint;
}

/** The model that is in use, on the backend that is in use, and the text that it writes. */
export class Session {
  readonly #report: (report: Report) => void;
  #backend: BackendId;
  #modelId: string | undefined;
  #running: Running | undefined;
  #isWriting = false;
  #wish: BackendId | undefined;

  constructor(backend: BackendId, report: (report: Report) => void) {
    this.#backend = backend;
    this.#report = report;
  }

  /** Loads a kept model onto the current backend; the one before makes room first. */
  async use(id: string, signal: AbortSignal): Promise<void> {
    await this.close();
    const running = await this.#open(this.#backend, id, signal);
    await this.#replace(running);
    this.#modelId = id;
    this.#report({ type: "loaded", model: describe(id, running.checkpoint) });
  }

  /** Forgets the model if it is this one. */
  async forget(id: string): Promise<void> {
    if (this.#modelId === id) await this.close();
  }

  /** Ends the model and its backend. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = this.#modelId = undefined;
    this.#report({ type: "loaded", model: undefined });
    if (running) await end(running);
  }

  /** Changes the backend between two texts. One that does not open leaves everything as it was. */
  async changeBackend(backend: BackendId, signal: AbortSignal): Promise<void> {
    if (backend === this.#backend) return;
    if (this.#modelId !== undefined) await this.#replace(await this.#open(backend, this.#modelId, signal));
    else this.#report({ type: "running", backend, device: undefined });
    this.#backend = backend;
  }

  /** While a text is being written: go on with it on another backend, as soon as a token is complete. */
  carryTo(backend: BackendId): void {
    this.#wish = backend;
  }

  /** The backend in use. */
  get backend(): BackendId {
    return this.#backend;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Writes a text; ends when it is complete, or when `signal` stops it. */
  async write(prompt: string, settings: Settings, signal: AbortSignal): Promise<void> {
    const { checkpoint } = await this.#ready(signal);
    const ids = checkpoint.tokenizer.encode(prompt);
    const meter = new Meter();
    let state = GenerationState.start(checkpoint.model, [ids]);
    this.#isWriting = true;
    try {
      for (;;) {
        const how = await this.#writeOn(state, settings, meter, signal);
        if (how !== "carry") {
          this.#report({ type: "ended", how, stats: this.#stats(meter) });
          break;
        }
        state = await this.#carry(state, meter, signal);
      }
    } finally {
      state.dispose();
      this.#isWriting = false;
    }
    // A wish that came with the last token.
    const wish = this.#takeWish();
    if (wish !== undefined) await this.changeBackend(wish, new AbortController().signal);
  }

  /** Drops a device that was lost, so that the next text opens a new one. */
  async recover(error: unknown): Promise<void> {
    if (!KernelError.is(error, "DEVICE_LOST") || !this.#running) return;
    const lost = this.#running;
    this.#running = undefined;
    await end(lost);
  }

  /** Goes on from a state until the text ends, is stopped, or is to be carried to another backend. */
  async #writeOn(
    state: GenerationState,
    { maxTokens, temperature, topP, seed }: Settings,
    meter: Meter,
    signal: AbortSignal,
  ): Promise<"stop" | "length" | "stopped" | "carry"> {
    const { model, tokenizer } = (await this.#ready(signal)).checkpoint;
    const onProgress = (done: number, total: number): void => {
      if (total > chunkLength)
        this.#report({ type: "progress", what: "Reading the prompt", unit: "tokens", done, total });
    };
    const left = maxTokens - meter.tokens;
    const options = { tokenizer, maxTokens: left, temperature, topP, seed, signal, chunkLength, onProgress };
    let text = "";
    let reported = performance.now();
    const flush = (): void => {
      this.#report({ type: "text", text, stats: this.#stats(meter) });
      text = "";
      reported = performance.now();
    };
    try {
      for await (const token of generate(model, state, options)) {
        meter.count();
        text += token.text;
        if (token.finish) return token.finish;
        // A token without text may be a part of a character, which the next backend could not complete.
        if (this.#wish !== undefined && token.text !== "") return "carry";
        if (performance.now() - reported >= reportMs) flush();
      }
      return "length";
    } catch (error) {
      if (signal.aborted) return "stopped";
      throw error;
    } finally {
      flush();
    }
  }

  /** Moves a text's state to the backend that is wished for; if that fails, the text stays where it is. */
  async #carry(state: GenerationState, meter: Meter, signal: AbortSignal): Promise<GenerationState> {
    const wish = this.#takeWish();
    const id = this.#modelId;
    if (id === undefined || wish === undefined || wish === this.#backend) return state;
    meter.pause();
    try {
      const bytes = await state.serialize();
      const next = await this.#open(wish, id, signal);
      const moved = GenerationState.deserialize(next.checkpoint.model, bytes);
      state.dispose();
      await this.#replace(next);
      this.#backend = wish;
      this.#report({ type: "carried", backend: wish, tokens: meter.tokens });
      return moved;
    } catch (error) {
      if (!signal.aborted) this.#report(failure(error));
      return state;
    }
  }

  #takeWish(): BackendId | undefined {
    const wish = this.#wish;
    this.#wish = undefined;
    return wish;
  }

  /** The open backend with the model; opens it anew after a lost device. */
  async #ready(signal: AbortSignal): Promise<Running> {
    if (this.#modelId === undefined) throw new Error("no model is loaded");
    return (this.#running ??= await this.#open(this.#backend, this.#modelId, signal));
  }

  /** The old backend goes only when the new one is there. */
  async #replace(next: Running): Promise<void> {
    const last = this.#running;
    this.#running = next;
    this.#report({ type: "running", backend: next.backend, device: next.kernel.capabilities.device });
    if (last) await end(last);
  }

  async #open(backend: BackendId, id: string, signal: AbortSignal): Promise<Running> {
    const kernel = await openKernel([candidateOf(backend)]);
    try {
      const checkpoint = await loadCheckpoint(kernel, await storedFiles(id), {
        signal,
        onProgress: ({ doneBytes: done, totalBytes: total }) => {
          this.#report({ type: "progress", what: "Loading the weights", unit: "bytes", done, total });
        },
      });
      await warmUp(kernel, checkpoint.model, (done, total) => {
        this.#report({ type: "progress", what: "Compiling the shaders", unit: "shaders", done, total });
      });
      return { backend, kernel, checkpoint };
    } catch (error) {
      await kernel[Symbol.asyncDispose]();
      throw error;
    }
  }

  #stats(meter: Meter): Stats {
    const memoryBytes = this.#running?.kernel.memory().bytes ?? 0;
    return { tokens: meter.tokens, tokensPerSecond: meter.perSecond, memoryBytes };
  }
}

async function end({ kernel, checkpoint }: Running): Promise<void> {
  checkpoint.model.dispose();
  await kernel[Symbol.asyncDispose]();
}

function describe(id: string, { config, model, notes }: LoadedCheckpoint): LoadedModel {
  let parameters = 0;
  for (const { shape } of model.parameters.values()) parameters += shape.reduce((size, n) => size * n, 1);
  const count = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
  const description = `${count.format(parameters)} parameters, ${config.nLayers} layers, width ${config.dModel}`;
  return { id, description, notes: notes.map((note) => note.charAt(0).toUpperCase() + note.slice(1)) };
}
