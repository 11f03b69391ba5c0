import { CheckpointError } from "../../errors.ts";
import { type Component, refuse } from "../component.ts";

/** Most tokens of a vocabulary; XLM-V, one of the largest, has 901,629. */
export const maxTokens = 2 ** 20;
/** Largest id and more: tables are as long as the largest id. */
export const maxTokenId = 2 ** 22;
/** Most characters of a token. */
export const maxTokenLength = 2 ** 12;

/** The tokens of a model and their ids, without the added tokens. */
export interface TokenModel {
  readonly ids: ReadonlyMap<string, number>;
  /** Ids of a word. @throws CheckpointError `TOKENIZER` when it has none and there is no unknown token */
  encode(word: string): readonly number[];
}

/** Checks tokens and ids. @throws CheckpointError `TOKENIZER` */
export function vocabularyOf(vocab: Readonly<Record<string, unknown>>, path: string): Map<string, number> {
  const ids = new Map<string, number>();
  for (const token in vocab) {
    if (token.length > maxTokenLength) refuse(path, `tokens of at most ${maxTokenLength} characters`, token);
    if (ids.size >= maxTokens) {
      throw new CheckpointError("TOKENIZER", `${path}: more than ${maxTokens} tokens`);
    }
    ids.set(token, checkId(vocab[token], path));
  }
  return ids;
}

export function checkId(id: unknown, path: string): number {
  if (Number.isInteger(id) && Number(id) >= 0 && Number(id) < maxTokenId) return Number(id);
  return refuse(path, "token ids that are whole numbers below 2^22", id);
}

/** For a text that no token has. */
export function noId(text: string): CheckpointError {
  return new CheckpointError(
    "TOKENIZER",
    `the tokenizer has no id for ${JSON.stringify(text)}, and no unknown token`,
  );
}

/** The field `unk_token`, which must be in the vocabulary; undefined without one. */
export function unknownId(component: Component, ids: ReadonlyMap<string, number>): number | undefined {
  const token = component.string("unk_token");
  return token === undefined ? undefined : ids.get(token);
}

const encoder = new TextEncoder();

/** Ids of the byte tokens (`<0x0A>`) of a text; undefined when the vocabulary lacks one of them. */
export function byteFallback(text: string, ids: ReadonlyMap<string, number>): number[] | undefined {
  const found: number[] = [];
  for (const byte of encoder.encode(text)) {
    const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    if (id === undefined) return undefined;
    found.push(id);
  }
  return found;
}
