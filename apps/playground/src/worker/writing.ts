import { CheckpointError } from "@mamba/checkpoint";
import { generate, GenerationState, loadState, saveState } from "@mamba/core";
import type { BackendId, Ending, Report, Settings, Stats } from "../protocol.ts";
import { failure } from "./failure.ts";
import { chunkLength } from "./fit/memoryNeed.ts";
import { Meter } from "./meter.ts";
import type { Session } from "./session.ts";

/** Shortest time between two reports of text: faster is invisible and would block the page. */
const reportMs = 40;

/** Writes texts with the session's model. A text continues when its backend changes. */
export class Writing {
  readonly #session: Session;
  readonly #report: (report: Report) => void;
  #isRunning = false;
  #requested: BackendId | undefined;

  constructor(session: Session, report: (report: Report) => void) {
    this.#session = session;
    this.#report = report;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Continues the current text on another backend, after the next token. */
  moveTo(backend: BackendId): void {
    this.#requested = backend;
  }

  /** Writes a text, until it is complete or `signal` stops it. */
  async run(prompt: string, settings: Settings, signal: AbortSignal): Promise<void> {
    const { checkpoint } = await this.#session.current(signal);
    const { tokenizer, noTokenizer = "" } = checkpoint;
    if (!tokenizer) throw new CheckpointError("TOKENIZER", `the model cannot read text: ${noTokenizer}`);
    const ids = tokenizer.encode(prompt, { specialTokens: true });
    const meter = new Meter();
    let state = GenerationState.start(checkpoint.model, ids);
    this.#isRunning = true;
    try {
      for (;;) {
        const ending = await this.#continue(state, settings, meter, signal);
        if (ending !== "move") {
          this.#report({ type: "ended", ending, stats: this.#stats(meter) });
          break;
        }
        state = await this.#move(state, meter, signal);
      }
    } finally {
      state.dispose();
      this.#isRunning = false;
    }
    // A change that was requested during the last token.
    const requested = this.#takeRequest();
    if (requested !== undefined) await this.#session.changeBackend(requested, new AbortController().signal);
  }

  /** Continues a text until it ends, is stopped, or is to move to another backend. */
  async #continue(
    state: GenerationState,
    { maxTokens, temperature, topP, seed }: Settings,
    meter: Meter,
    signal: AbortSignal,
  ): Promise<Ending | "move"> {
    const { model, tokenizer, stopIds } = (await this.#session.current(signal)).checkpoint;
    const onProgress = (done: number, total: number): void => {
      if (total > chunkLength)
        this.#report({ type: "progress", label: "Reading the prompt", unit: "tokens", done, total });
    };
    const left = maxTokens - meter.tokens;
    const options = {
      tokenizer,
      stopIds,
      maxTokens: left,
      temperature,
      topP,
      seed,
      signal,
      chunkLength,
      onProgress,
    };
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
        text += token.text + (token.rest ?? "");
        if (token.finish) return token.finish;
        if (this.#requested !== undefined) return "move";
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

  /** Moves a text's state to the requested backend. If that fails, the error is reported and the text stays. */
  async #move(state: GenerationState, meter: Meter, signal: AbortSignal): Promise<GenerationState> {
    const requested = this.#takeRequest();
    if (requested === undefined || requested === this.#session.backend) return state;
    meter.pause();
    try {
      const bytes = await saveState(state);
      const next = await this.#session.openOn(requested, signal);
      const moved = await loadState(next.checkpoint.model, bytes);
      state.dispose();
      await this.#session.switchTo(next);
      this.#report({ type: "moved", backend: requested });
      return moved;
    } catch (error) {
      if (!signal.aborted) this.#report(failure(error));
      return state;
    }
  }

  #takeRequest(): BackendId | undefined {
    const requested = this.#requested;
    this.#requested = undefined;
    return requested;
  }

  #stats(meter: Meter): Stats {
    const { memoryBytes } = this.#session;
    return { tokens: meter.tokens, tokensPerSecond: meter.perSecond, memoryBytes };
  }
}
