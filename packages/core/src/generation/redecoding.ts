import { MambaError } from "../errors.ts";
import type { DecodeOptions, TokenDecoderOptions, TokenDecoder } from "./tokenizer.ts";

/**
 * Makes a `Tokenizer.decoder` from `decode` alone, for tokenizers of your own. It decodes all ids again with each one, and
 * holds back U+FFFD at the end of the text, so `decode(ids)` without those must be how `decode` of more ids begins.
 */
export function redecoding(
  decode: (ids: readonly number[], options: DecodeOptions) => string,
): (options?: TokenDecoderOptions) => TokenDecoder {
  return ({ snapshot = [], ...options } = {}) => {
    if (!Array.isArray(snapshot) || !snapshot.every((id) => Number.isSafeInteger(id))) {
      throw new MambaError("CACHE", "saved text: expected a list of ids");
    }
    const ids = [...(snapshot as readonly number[])];
    const decoded = () => (ids.length === 0 ? "" : decode(ids, options));
    const certain = () => decoded().replace(/\uFFFD+$/, "");
    let returned = certain();
    const after = (text: string): string => {
      if (text.startsWith(returned)) return text.slice(returned.length);
      throw new MambaError(
        "INPUT",
        "tokenizer: the text of these ids does not begin with the text of the first of them",
      );
    };
    return {
      push(id) {
        ids.push(id);
        const fresh = after(certain());
        returned += fresh;
        return fresh;
      },
      rest: () => after(decoded()),
      snapshot: () => [...ids],
    };
  };
}
