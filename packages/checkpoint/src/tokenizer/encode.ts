import type { EncodeOptions, TextRange } from "@mamba/core";
import type { AddedTokenFinder } from "./addedTokens.ts";
import type { TokenModel } from "./models/vocabulary.ts";
import type { Normalizer } from "./normalizer.ts";
import type { Marks } from "./postProcessor.ts";
import type { PreTokenizer } from "./preTokenizer.ts";

/** Finds added tokens in the text as it is, and in the normalized text. */
interface Finders {
  readonly raw: AddedTokenFinder;
  readonly normalized: AddedTokenFinder;
}

/** The components that encode a text. */
export interface Encoder {
  readonly model: TokenModel;
  readonly normalizer: Normalizer;
  readonly preTokenizer: PreTokenizer;
  readonly marks: Marks;
  /** They find all added tokens. */
  readonly all: Finders;
  /** They find the added tokens that are not special. */
  readonly plain: Finders;
}

/** Text after normalization, or the id of an added token. */
type Normalized = string | number;

/** Returns the ids of a text. */
export function encode(encoder: Encoder, text: string, options: EncodeOptions = {}): number[] {
  const { model, preTokenizer, marks } = encoder;
  const { continuation = false, addSpecialTokens = true } = options;
  const isWhole = addSpecialTokens && !continuation;
  const ids: number[] = isWhole ? [...marks.before] : [];
  let isFirst = true;
  for (const part of normalizedParts(encoder, text, options)) {
    if (typeof part === "number") ids.push(part);
    else {
      const place = { isFirst, isInside: isFirst && continuation };
      for (const word of preTokenizer(part, place)) for (const id of model.encode(word)) ids.push(id);
    }
    isFirst = false;
  }
  if (isWhole) ids.push(...marks.after);
  return ids;
}

function normalizedParts(
  { normalizer, all, plain }: Encoder,
  text: string,
  { continuation = false, specialTokens = false, literals = [] }: EncodeOptions,
): Normalized[] {
  const finders = specialTokens ? all : plain;
  const hidden = specialTokens ? literals : [];
  const parts: Normalized[] = [];
  for (const { start, end, token } of finders.raw.split(text, hidden)) {
    if (token) {
      parts.push(token.id);
      continue;
    }
    const isInside = parts.length === 0 && continuation;
    const section = text.slice(start, end);
    const found = split(finders.normalized, normalizer(section, isInside));
    const inner = found.some((part) => typeof part === "number") ? within(hidden, start, end) : [];
    parts.push(
      ...(inner.length > 0 ? splitApart({ normalizer, all, plain }, section, inner, isInside, found) : found),
    );
  }
  return parts;
}

function split(finder: AddedTokenFinder, text: string): Normalized[] {
  return finder.split(text).map(({ start, end, token }) => token?.id ?? text.slice(start, end));
}

/** The parts of ranges that are in `[start, end)`, counted from `start`. */
function within(ranges: readonly TextRange[], start: number, end: number): TextRange[] {
  return ranges
    .filter((range) => range.start < end && range.end > start)
    .map((range) => ({ start: Math.max(range.start, start) - start, end: Math.min(range.end, end) - start }));
}

/**
 * Splits a section at the added tokens of its normalized text, where that has added tokens and the section has literals. Positions in
 * the normalized text are not those of the section. So the literals and the text between them are split on their own; and only where
 * that finds other tokens than the whole, a literal spells a special token, and the result is used.
 */
function splitApart(
  { normalizer, all, plain }: Pick<Encoder, "normalizer" | "all" | "plain">,
  section: string,
  literals: readonly TextRange[],
  isInside: boolean,
  whole: Normalized[],
): Normalized[] {
  const apart: Normalized[] = [];
  const add = (finder: AddedTokenFinder, start: number, end: number) => {
    if (end > start) {
      const text = normalizer(section.slice(start, end), isInside || apart.length > 0);
      apart.push(...split(finder, text));
    }
  };
  let end = 0;
  for (const literal of literals) {
    add(all.normalized, end, literal.start);
    add(plain.normalized, literal.start, literal.end);
    end = literal.end;
  }
  add(all.normalized, end, section.length);
  const ids = (parts: readonly Normalized[]) => parts.filter((part) => typeof part === "number").join();
  return ids(apart) === ids(whole) ? whole : apart;
}
