import type { Tokenizer } from "./tokenizer.ts";

/**
 * Turns a row's tokens into text as they come. Text is held back while it may still change: bytes that are not yet a
 * whole character (at most 3 tokens: one token is at least one byte), and what may be the beginning of a stop string.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #stops: readonly string[];
  /** Ids whose text is not settled, with one settled id before them: decoders treat the first token differently. */
  #window: number[] = [];
  #settled = "";
  #held = "";

  constructor(tokenizer: Tokenizer, stops: readonly string[], context: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.#stops = stops;
    this.#window = context.slice(-1);
    this.#settled = tokenizer.decode(this.#window);
  }

  /** Text that can be shown after one more token, and whether a stop string ended the row. */
  push(id: number): { text: string; stopped: boolean } {
    this.#window.push(id);
    const decoded = this.#tokenizer.decode(this.#window);
    if (decoded.endsWith("\uFFFD") && this.#window.length <= 4) return { text: "", stopped: false };
    const fresh = decoded.startsWith(this.#settled) ? decoded.slice(this.#settled.length) : decoded;
    this.#window = [id];
    this.#settled = this.#tokenizer.decode(this.#window);
    return this.#release(this.#held + fresh);
  }

  /** What is still held back when the row ends for another reason. */
  flush(): string {
    const decoded = this.#tokenizer.decode(this.#window);
    const text = this.#held + (decoded.startsWith(this.#settled) ? decoded.slice(this.#settled.length) : "");
    this.#held = "";
    return text;
  }

  #release(text: string): { text: string; stopped: boolean } {
    const ends = this.#stops.map((stop) => text.indexOf(stop)).filter((index) => index !== -1);
    if (ends.length > 0) {
      this.#held = "";
      return { text: text.slice(0, Math.min(...ends)), stopped: true };
    }
    const hold = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - hold);
    return { text: text.slice(0, text.length - hold), stopped: false };
  }
}

/** The length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
