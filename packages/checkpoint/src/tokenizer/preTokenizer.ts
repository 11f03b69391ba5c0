import type { Json } from "@mamba/core/safetensors";
import { byteSymbols } from "./byteSymbols.ts";
import { type Component, flatten } from "./component.ts";
import { matchHere, type Matches, readPattern } from "./pattern.ts";

/** The place of a text in the whole one. */
export interface Place {
  /** The first text of an input. */
  readonly isFirst: boolean;
  /** The text continues other text: no blank is put before it. */
  readonly isInside: boolean;
}

/** Splits a text into words, each of which the model turns into tokens on its own. */
export type PreTokenizer = (text: string, place: Place) => string[];

/** @throws CheckpointError `TOKENIZER` */
export function readPreTokenizer(json: Json | undefined): PreTokenizer {
  const steps = flatten(json, "tokenizer.json: pre_tokenizer", "pretokenizers").map(stepOf);
  return (text, place) =>
    steps.reduce((words, step) => step(words, place), [text]).filter((word) => word !== "");
}

/** Splits each of some words; the first of them begins the text. */
type Step = (words: readonly string[], place: Place) => string[];

const gpt2 = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const word = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
const whitespace = new RegExp(`[${word}]+|[^${word}\\s]+`, "gu");
const punctuation = /[\p{P}\u0021-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u007E]/gu;

const steps: Readonly<Record<string, (component: Component) => Step>> = {
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Split: (component) => {
    const pattern = readPattern(component);
    const behavior = component.only("behavior", behaviors) ?? component.missing("behavior");
    const invert = component.boolean("invert") ?? false;
    return (words) => {
      const all = pattern.matches(words);
      return words.flatMap((text, i) => split(text, rangesOf(text, all[i] ?? []), behavior, invert));
    };
  },
  Punctuation: (component) => {
    const behavior = component.only("behavior", behaviors) ?? "Isolated";
    return (words) => words.flatMap((text) => splitAt(text, punctuation, behavior));
  },
  Digits: (component) => {
    const behavior = component.boolean("individual_digits") ? "Isolated" : "Contiguous";
    return (words) => words.flatMap((text) => splitAt(text, /\p{N}/gu, behavior));
  },
  Whitespace: () => (words) => words.flatMap((text) => text.match(whitespace) ?? []),
  WhitespaceSplit: () => (words) => words.flatMap((text) => text.match(/\S+/g) ?? []),
  CharDelimiterSplit: (component) => {
    const delimiter = component.string("delimiter") ?? component.missing("delimiter");
    return (words) => words.flatMap((text) => text.split(delimiter));
  },
  BertPreTokenizer: () => (words) =>
    words.flatMap((text) =>
      (text.match(/\S+/g) ?? []).flatMap((part) => splitAt(part, punctuation, "Isolated")),
    ),
  FixedLength: (component) => {
    const length = component.integer("length", 1, 2 ** 20) ?? 5;
    return (words) =>
      words.flatMap((text) => {
        const characters = [...text];
        const count = Math.ceil(characters.length / length);
        return Array.from({ length: count }, (_, i) =>
          characters.slice(i * length, (i + 1) * length).join(""),
        );
      });
  },
};

function stepOf(component: Component): Step {
  const make = Object.hasOwn(steps, component.type) ? steps[component.type] : undefined;
  return make ? make(component) : component.unknown(Object.keys(steps));
}

function byteLevel(component: Component): Step {
  const addPrefix = component.boolean("add_prefix_space") ?? true;
  const useRegex = component.boolean("use_regex") ?? true;
  return (words, { isInside }) =>
    words.flatMap((text, i) => {
      const isBare = !addPrefix || (isInside && i === 0) || text.startsWith(" ");
      const whole = isBare ? text : ` ${text}`;
      return (useRegex ? (whole.match(gpt2) ?? []) : [whole]).map(toSymbols);
    });
}

const encoder = new TextEncoder();

function toSymbols(text: string): string {
  let symbols = "";
  for (const byte of encoder.encode(text)) symbols += byteSymbols[byte] ?? "";
  return symbols;
}

function metaspace(component: Component): Step {
  const replacement = component.string("replacement") ?? "\u2581";
  const addPrefix = component.boolean("add_prefix_space") ?? true;
  const scheme =
    component.only("prepend_scheme", ["always", "first", "never"]) ?? (addPrefix ? "always" : "never");
  const isSplit = component.boolean("split") ?? true;
  return (words, { isFirst, isInside }) =>
    words.flatMap((text, i) => {
      const blank = text.replaceAll(" ", replacement);
      const atStart = i === 0;
      const isBare =
        scheme === "never" ||
        (atStart && isInside) ||
        (scheme === "first" && !(isFirst && atStart)) ||
        blank.startsWith(replacement);
      const whole = isBare ? blank : replacement + blank;
      return isSplit
        ? split(whole, rangesOf(whole, positions(whole, replacement)), "MergedWithNext", false)
        : [whole];
    });
}

function positions(text: string, literal: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(literal); at !== -1; at = text.indexOf(literal, at + literal.length)) {
    found.push(at, at + literal.length);
  }
  return found;
}

const behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"] as const;
type Behavior = (typeof behaviors)[number];

interface Range {
  readonly start: number;
  readonly end: number;
  readonly isMatch: boolean;
}

function splitAt(text: string, regex: RegExp, behavior: Behavior): string[] {
  return split(text, rangesOf(text, matchHere(text, regex)), behavior, false);
}

/** The matches and the texts between them, in order, without empty ones. */
function rangesOf(text: string, matches: Matches): Range[] {
  const ranges: Range[] = [];
  let at = 0;
  const add = (start: number, end: number, isMatch: boolean) => {
    if (end > start) ranges.push({ start, end, isMatch });
  };
  for (let i = 0; i + 1 < matches.length; i += 2) {
    const [start = 0, end = 0] = [matches[i], matches[i + 1]];
    add(at, start, false);
    add(start, end, true);
    at = end;
  }
  add(at, text.length, false);
  return ranges;
}

/** Splits as `SplitDelimiterBehavior` of the Rust library `tokenizers` does. */
function split(text: string, ranges: readonly Range[], behavior: Behavior, invert: boolean): string[] {
  const words: { start: number; end: number; isMatch: boolean }[] = [];
  for (const { start, end, isMatch: found } of ranges) {
    const isMatch = found !== invert;
    const last = words.at(-1);
    const merges =
      last !== undefined &&
      ((behavior === "MergedWithPrevious" && isMatch && !last.isMatch) ||
        (behavior === "MergedWithNext" && !isMatch && last.isMatch) ||
        (behavior === "Contiguous" && isMatch === last.isMatch));
    if (merges) {
      last.end = end;
      // A word that took a match in takes no second one.
      last.isMatch = behavior === "MergedWithPrevious" ? true : isMatch;
    } else if (behavior !== "Removed" || !isMatch) words.push({ start, end, isMatch });
  }
  return words.map(({ start, end }) => text.slice(start, end));
}
