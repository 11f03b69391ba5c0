import { MambaError } from "../errors.ts";
import type { Json } from "../safetensors/json.ts";
import type { TokenDecoder, Tokenizer } from "./tokenizer.ts";
import { Utf8Decoder, utf8Bytes } from "./utf8.ts";

/** The tokenizer of models that read bytes. */
export interface ByteTokenizer extends Tokenizer {
  readonly kind: "bytes";
}

/**
 * A tokenizer whose ids 0 to 255 are the UTF-8 bytes of the text. Other ids decode to nothing. It has no special tokens.
 *
 * @param vocabSize of the model. `encode` throws MambaError `INPUT` for a byte at or above it
 */
export function byteTokenizer(vocabSize: number, stopIds: readonly number[] = []): ByteTokenizer {
  return {
    kind: "bytes",
    stopIds,
    specialTokens: new Map(),
    encode(text) {
      const bytes = utf8Bytes(text);
      const unknown = bytes.find((byte) => byte >= vocabSize);
      if (unknown === undefined) return bytes;
      const message = `the model has ids 0 to ${vocabSize - 1}, and the text holds the byte ${unknown}`;
      throw new MambaError("INPUT", message);
    },
    decode(ids) {
      const decoder = new ByteDecoder([]);
      let text = "";
      for (const id of ids) text += decoder.push(id);
      return text + decoder.rest();
    },
    decoder: ({ snapshot = [] } = {}) => new ByteDecoder(readBytes(snapshot)),
  };
}

class ByteDecoder implements TokenDecoder {
  readonly #utf8 = new Utf8Decoder();

  constructor(pending: readonly number[]) {
    for (const byte of pending) this.#utf8.push(byte);
  }

  push(id: number): string {
    return id >= 0 && id < 256 ? this.#utf8.push(id) : "";
  }

  rest(): string {
    return this.#utf8.rest();
  }

  snapshot(): Json {
    return [...this.#utf8.pending];
  }
}

function readBytes(snapshot: Json): readonly number[] {
  const isByte = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256;
  if (Array.isArray(snapshot) && snapshot.length < 4 && snapshot.every(isByte)) return snapshot as number[];
  throw new MambaError("CACHE", "saved text: expected at most 3 bytes of a character");
}
