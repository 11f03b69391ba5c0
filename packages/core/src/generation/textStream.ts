import { MambaError } from "../errors.ts";
import { isObject, type Json } from "../safetensors/json.ts";
import { HeldText } from "./heldText.ts";
import type { TokenDecoder, Tokenizer } from "./tokenizer.ts";

export interface TextStreamOptions {
  /**
   * The text ends before the first of these strings. One that holds the text of a special token also ends it at the token's
   * id, whether or not special tokens are part of the text.
   */
  readonly stop?: readonly string[] | undefined;
  /** Special tokens are part of the text: all of them, or these ids. Default false. */
  readonly specialTokens?: boolean | readonly number[] | undefined;
  /** The `snapshot()` of a stream with an equal tokenizer and the same `specialTokens`, to go on from. Stop strings may differ. */
  readonly snapshot?: Json | undefined;
}

/**
 * Turns the tokens of a row into text as they arrive. Text is held back only while it may still change: bytes that are not
 * yet a whole character, and a possible beginning of a stop string.
 *
 * The stream has the text of all ids that it has read, less what was final before the first generated one. With `read(prompt)`
 * and then `push(id)` for each token, the texts of `push` and then `rest()` are `decode([...prompt, ...ids])` without the text
 * that was final after the prompt. So a character that the prompt begins and the tokens complete belongs to the stream.
 */
export class TextStream {
  readonly #decoder: TokenDecoder;
  readonly #held: HeldText;
  /** Text of the special tokens by id, when a stop string holds one of them. */
  readonly #special: ReadonlyMap<number, string>;

  /** @throws MambaError `CACHE` when the snapshot is damaged or of another tokenizer */
  constructor(tokenizer: Tokenizer, { stop = [], specialTokens, snapshot }: TextStreamOptions = {}) {
    const shown = new Set(Array.isArray(specialTokens) ? specialTokens : []);
    const isHidden = (id: number) => specialTokens !== true && !shown.has(id);
    const contents = [...tokenizer.specialTokens].filter(([text]) => stop.some((end) => end.includes(text)));
    const hidden = contents.filter(([, id]) => isHidden(id));
    this.#special = new Map(hidden.map(([text, id]) => [id, text]));
    const withSpecial = stop.filter((end) => contents.some(([text]) => end.includes(text)));
    this.#held = new HeldText(stop, withSpecial);
    if (snapshot === undefined) this.#decoder = tokenizer.decoder({ specialTokens });
    else {
      if (!isObject(snapshot)) throw new MambaError("CACHE", "saved text: expected an object");
      const { decoder, held } = snapshot as { readonly decoder?: Json; readonly held?: Json };
      this.#decoder = tokenizer.decoder({ specialTokens, snapshot: decoder ?? null });
      this.#held.restore(held ?? null);
    }
  }

  /**
   * Reads ids whose text is not part of the stream: a prompt, or the next turn of a conversation. Text that is still held
   * back for a stop string is dropped.
   */
  read(ids: readonly number[]): void {
    if (ids.length > 0) this.#held.clear();
    for (const id of ids) this.#decoder.push(id);
  }

  /** Adds a token. Returns the text that became final, and true for `stopped` when a stop string ended the row. */
  push(id: number): { readonly text: string; readonly stopped: boolean } {
    const special = this.#special.get(id);
    const fresh = this.#decoder.push(id);
    if (special === undefined) return this.#held.add(fresh);
    return this.#held.addSpecial(fresh, this.#decoder.rest(), special);
  }

  /** Returns the text that is still held back, as if no token followed. It changes nothing. */
  rest(): string {
    return this.#held.peek(this.#decoder.rest());
  }

  /** Returns what another stream needs to go on from here: a small JSON value, independent of the length of the text. */
  snapshot(): Json {
    return { decoder: this.#decoder.snapshot(), held: this.#held.snapshot() };
  }
}
