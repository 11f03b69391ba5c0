import type { Json } from "../safetensors/json.ts";

/** A range of a text, in UTF-16 units: `[start, end)`. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** How `encode` reads a text. */
export interface EncodeOptions {
  /**
   * The text continues other text: no token is added at its beginning or end, and no blank (`▁`) is put before it.
   * Default false.
   */
  readonly continuation?: boolean | undefined;
  /**
   * Special tokens that are spelled in the text become their ids. Default false: they are encoded as plain text, so that text
   * from elsewhere cannot end a turn or begin another one.
   */
  readonly specialTokens?: boolean | undefined;
  /**
   * With `specialTokens`: ranges of the text, in order and apart, that spell no special token. One is found only outside of them, so
   * that the text of strangers, inside of a text with special tokens, stays plain text. Default none.
   */
  readonly literals?: readonly TextRange[] | undefined;
  /**
   * The tokenizer adds the tokens that its files put around a text, such as a BOS. Default true. False for a text that has its own,
   * as the chat templates write them; the blank (`▁`) before the first word stays.
   */
  readonly addSpecialTokens?: boolean | undefined;
}

/** How ids become text. */
export interface DecodeOptions {
  /** Special tokens are part of the text: all of them, or these ids. Default false: they are left out. */
  readonly specialTokens?: boolean | readonly number[] | undefined;
}

/**
 * Decodes ids that arrive one after another. For every list of ids and at every point, the texts that `push` returned, joined,
 * and then `rest()` are `decode` of the ids so far; and the texts that `push` returned never change with later ids.
 */
export interface TokenDecoder {
  /** Adds an id. Returns the text that became final with it. */
  push(id: number): string;
  /** Returns the text that later ids may still change, as if none followed. It changes nothing. */
  rest(): string;
  /** Returns what `Tokenizer.decoder` needs to go on from here: a small JSON value, independent of the length of the text. */
  snapshot(): Json;
}

/** How a decoder starts. */
export interface TokenDecoderOptions extends DecodeOptions {
  /** The `snapshot()` of a decoder with the same options, of an equal tokenizer, to go on from. */
  readonly snapshot?: Json | undefined;
}

/** Converts text to token ids and back. `@mamba/checkpoint` makes one from a `tokenizer.json`. */
export interface Tokenizer {
  encode(text: string, options?: EncodeOptions): number[];
  /** Decodes any sequence of ids; bytes that are not a whole character become U+FFFD, as WHATWG's decoder of UTF-8 has it. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /**
   * A decoder for ids that arrive one after another. `redecoding` makes one from `decode`.
   *
   * @throws MambaError `CACHE` when `snapshot` is not one of an equal tokenizer
   */
  decoder(options?: TokenDecoderOptions): TokenDecoder;
  /** Ids that end a text. */
  readonly stopIds: readonly number[];
  /** The ids of the special tokens, by their text, such as `<|im_end|>`. */
  readonly specialTokens: ReadonlyMap<string, number>;
}
