import type { Tokenizer } from "./tokenizer.ts";

/**
 * Turns a row's tokens into text as they arrive. Text is held back while it may still change: bytes that are not yet a whole
 * character (at most 3 tokens, since a token is at least one byte), and a possible beginning of a stop string.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #stops: readonly string[];
  /** Ids whose text may still change, after one whose text is final: decoders treat the first token differently. */
  #recent: number[] = [];
  /** Text of the first id of `#recent`. */
  #final = "";
  /** Final text that is not returned yet, since a stop string may begin with it. */
  #held = "";

  constructor(tokenizer: Tokenizer, stops: readonly string[], context: readonly number[]) {
    this.#tokenizer = tokenizer;
    this.#stops = stops;
    this.#recent = context.slice(-1);
    this.#final = tokenizer.decode(this.#recent);
  }

  /** Adds a token. Returns the text that became final, and true for `stopped` when a stop string ended the row. */
  push(id: number): { text: string; stopped: boolean } {
    this.#recent.push(id);
    const decoded = this.#tokenizer.decode(this.#recent);
    if (decoded.endsWith("\uFFFD") && this.#recent.length <= 4) return { text: "", stopped: false };
    const fresh = decoded.startsWith(this.#final) ? decoded.slice(this.#final.length) : decoded;
    this.#recent = [id];
    this.#final = this.#tokenizer.decode(this.#recent);
    return this.#release(this.#held + fresh);
  }

  /** Returns the text that is still held back, when the row ends for another reason. */
  flush(): string {
    const decoded = this.#tokenizer.decode(this.#recent);
    const text = this.#held + (decoded.startsWith(this.#final) ? decoded.slice(this.#final.length) : "");
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

/** Length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
