/** Converts text to token ids and back. `@mamba/checkpoint` makes one from a `tokenizer.json`. */
export interface Tokenizer {
  encode(text: string): number[];
  /** Decodes any sequence of ids; bytes that are not yet a whole character become U+FFFD. */
  decode(ids: readonly number[]): string;
  /** Ids that end a text. */
  readonly stopIds: readonly number[];
}
