import { MambaError, type TokenDecoder } from "@mamba/core";
import { isObject, type Json } from "@mamba/core/safetensors";
import { checkLength, isStateLike, type Stage, type StageState } from "./stage.ts";

/**
 * Decodes ids through the stages of a tokenizer.json. `tokenOf` gives the text of a token; ids without one, such as rows of the
 * embedding table beyond the vocabulary, are left out.
 */
export class PipelineDecoder implements TokenDecoder {
  readonly #stages: readonly Stage[];
  readonly #states: StageState[];
  readonly #tokenOf: (id: number) => string | undefined;

  /** @throws MambaError `CACHE` when `snapshot` is not one of an equal pipeline */
  constructor(stages: readonly Stage[], tokenOf: (id: number) => string | undefined, snapshot?: Json) {
    this.#stages = stages;
    this.#tokenOf = tokenOf;
    this.#states = stages.map((stage) => stage.start());
    if (snapshot === undefined) return;
    const states: readonly Json[] = Array.isArray(snapshot) ? (snapshot as readonly Json[]) : [];
    const fits = states.every((json, i) => {
      const start = this.#states[i];
      return start !== undefined && isObject(json) && isStateLike(json, start);
    });
    if (!fits || states.length !== stages.length) {
      throw new MambaError("CACHE", "saved text: it is of another tokenizer");
    }
    this.#states = states.map((json) => ({ ...(json as StageState) }));
  }

  push(id: number): string {
    const token = this.#tokenOf(id);
    return token === undefined ? "" : this.#through(this.#states, 0, [token]);
  }

  rest(): string {
    const states = this.#states.map((state) => ({ ...state }));
    let text = "";
    this.#stages.forEach((stage, i) => {
      const state = states[i] ?? {};
      text += this.#through(states, i + 1, stage.end(state));
    });
    return text;
  }

  snapshot(): Json {
    return this.#states.map((state) => ({ ...state }));
  }

  /** Sends texts through the stages from `first` on. */
  #through(states: readonly StageState[], first: number, texts: readonly string[]): string {
    let current = texts;
    for (let i = first; i < this.#stages.length; i++) {
      const [stage, state] = [this.#stages[i], states[i]];
      if (!stage || !state) continue;
      const [only] = current;
      current =
        only !== undefined && current.length === 1
          ? stage.push(state, only)
          : current.flatMap((text) => stage.push(state, text));
      checkLength(current.reduce((sum, text) => sum + text.length, 0));
    }
    return current.join("");
  }
}
