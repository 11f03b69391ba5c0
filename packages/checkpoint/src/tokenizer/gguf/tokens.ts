import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import { refuse } from "../component.ts";
import { maxTokenLength, maxTokens } from "../models/vocabulary.ts";
import type { MetadataFields } from "./fields.ts";
import { prefix } from "./special.ts";

/** The kinds of tokens by their numbers in `tokenizer.ggml.token_type`. */
export const tokenTypes = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** The tokens of a file. Their ids are their places. */
export interface Tokens {
  readonly texts: readonly string[];
  readonly types: ArrayLike<number>;
}

/** The token that stands for one byte, such as `<0x0A>`. */
const byteToken = /^<0x[0-9A-Fa-f]{2}>$/;

/** @throws CheckpointError `TOKENIZER` */
export function readTokens(fields: MetadataFields): Tokens {
  const key = `${prefix}tokens`;
  const found = fields.strings(key, maxTokens);
  if (!found || found.length === 0)
    throw new CheckpointError("TOKENIZER", `${key}: expected tokens, there are none`);
  // llama.cpp gives empty tokens the same names: they could never be found.
  const texts = found.map((text, id) => (text === "" ? `[EMPTY_${id}]` : text));
  const seen = new Map<string, number>();
  texts.forEach((text, id) => {
    const first = seen.get(text);
    if (text.length > maxTokenLength)
      refuse(`${key}[${id}]`, `a token of at most ${maxTokenLength} characters`, text);
    if (first !== undefined) {
      throw new CheckpointError("TOKENIZER", `${key}: ${first} and ${id} are the same token ${show(text)}`);
    }
    seen.set(text, id);
  });
  const types =
    fields.numbers(`${prefix}token_type`, texts.length) ??
    new Uint8Array(texts.length).fill(tokenTypes.normal);
  texts.forEach((text, id) => {
    const type = types[id] ?? 0;
    if (!(Number.isInteger(type) && type >= 0 && type <= tokenTypes.byte)) {
      refuse(`${prefix}token_type[${id}]`, "a whole number from 0 to 6", type);
    }
    if (type === tokenTypes.byte && !byteToken.test(text)) {
      refuse(`${key}[${id}]`, "a byte such as <0x0A>, as its type says", text);
    }
  });
  return { texts, types };
}

/** The list `added_tokens` of a tokenizer.json: control tokens are special, tokens that a user defined are not. */
export function addedTokens({ texts, types }: Tokens, normalized: boolean): AddedTokenJson[] {
  return texts.flatMap((content, id) => {
    const type = types[id];
    const special = type === tokenTypes.control || type === tokenTypes.unknown;
    if (!special && type !== tokenTypes.userDefined) return [];
    const flags = { single_word: false, lstrip: false, rstrip: false };
    return [{ id, content, ...flags, normalized: normalized && !special, special }];
  });
}

/** An entry of `added_tokens` in a tokenizer.json. */
export interface AddedTokenJson {
  readonly [key: string]: string | number | boolean;
  readonly id: number;
  readonly content: string;
}
