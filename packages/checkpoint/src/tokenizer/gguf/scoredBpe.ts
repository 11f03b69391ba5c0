import type { JsonObject } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import { refuse } from "../component.ts";
import { maxTokens } from "../models/vocabulary.ts";
import type { MetadataFields } from "./fields.ts";
import { objectOf, prefix, type SpecialIds } from "./special.ts";
import { addedTokens, type Tokens, tokenTypes } from "./tokens.ts";

/** The character that stands for a blank in SentencePiece. */
const blank = "\u2581";

/** Longest token in characters, and most characters of all tokens: the time to find merges is proportional to their product. */
const maxLength = 256;
const maxCharacters = 2 ** 23;

/**
 * The tokenizer.json of a BPE of SentencePiece (`llama`), without its post-processor. Its files have scores in place of merges: the pair
 * whose result has the highest score merges first, as the merges made from them say.
 *
 * @throws CheckpointError `TOKENIZER`
 */
export function scoredBpeJson(fields: MetadataFields, tokens: Tokens, { unknown }: SpecialIds): JsonObject {
  const { texts, types } = tokens;
  const key = `${prefix}scores`;
  const scores = fields.numbers(key, texts.length);
  if (!scores)
    throw new CheckpointError("TOKENIZER", `${key}: expected a score for each token, there are none`);
  const mergeable = new Map<string, number>();
  const vocab: [string, number][] = [];
  texts.forEach((text, id) => {
    const type = types[id];
    if (!Number.isFinite(scores[id])) refuse(`${key}[${id}]`, "a finite number", scores[id]);
    if (id !== unknown && (type === tokenTypes.control || type === tokenTypes.unused)) return;
    vocab.push([text, id]);
    if (id !== unknown && type !== tokenTypes.byte && type !== tokenTypes.unknown) mergeable.set(text, id);
  });
  const addsBlank = fields.boolean(`${prefix}add_space_prefix`) ?? true;
  const unk = unknown === undefined ? undefined : texts[unknown];
  return {
    version: "1.0",
    added_tokens: addedTokens(tokens, false),
    normalizer: spmNormalizer(addsBlank),
    pre_tokenizer: null,
    decoder: spmDecoder(addsBlank),
    model: {
      type: "BPE",
      ...(unk !== undefined && { unk_token: unk }),
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: objectOf(vocab),
      merges: mergesOf(mergeable, (id) => scores[id] ?? 0),
    },
  };
}

export function spmNormalizer(addsBlank: boolean): JsonObject {
  const replace = { type: "Replace", pattern: { String: " " }, content: blank };
  const prepend = { type: "Prepend", prepend: blank };
  return { type: "Sequence", normalizers: addsBlank ? [prepend, replace] : [replace] };
}

export function spmDecoder(dropsBlank: boolean): JsonObject {
  const decoders = [
    { type: "Replace", pattern: { String: blank }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    ...(dropsBlank ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
  ];
  return { type: "Sequence", decoders };
}

/**
 * The merges of tokens: every way to make a token of two others, ordered by the score of the result, the highest first; of equals by
 * the id of the result, then of the left and the right part.
 *
 * @param mergeable ids of the tokens by text
 * @throws CheckpointError `TOKENIZER` above the limits of a tokenizer.json
 */
export function mergesOf(
  mergeable: ReadonlyMap<string, number>,
  scoreOf: (id: number) => number,
): [left: string, right: string][] {
  const key = `${prefix}tokens`;
  const order = [...mergeable].sort(([, a], [, b]) => scoreOf(b) - scoreOf(a) || a - b);
  const merges: [string, string][] = [];
  let total = 0;
  for (const [token] of order) {
    const found: { left: string; right: string; leftId: number; rightId: number }[] = [];
    const characters = [...token];
    total += characters.length;
    if (characters.length > maxLength || total > maxCharacters) {
      refuse(key, `tokens of at most ${maxLength} characters, and ${maxCharacters} in all`, token);
    }
    let at = 0;
    for (const character of characters.slice(0, -1)) {
      at += character.length;
      const left = token.slice(0, at);
      const leftId = mergeable.get(left);
      if (leftId === undefined) continue;
      const right = token.slice(at);
      const rightId = mergeable.get(right);
      if (rightId !== undefined) found.push({ left, right, leftId, rightId });
    }
    found.sort((a, b) => a.leftId - b.leftId || a.rightId - b.rightId);
    for (const { left, right } of found) merges.push([left, right]);
    if (merges.length > 2 * maxTokens)
      refuse(key, `tokens with at most ${2 * maxTokens} merges`, merges.length);
  }
  return merges;
}
