import type { TextRange } from "@mamba/core";
import type { Json } from "@mamba/core/safetensors";
import { Component, refuse } from "./component.ts";
import { checkId } from "./models/vocabulary.ts";

/** A token that is found in the text before anything else is. */
export interface AddedToken {
  readonly text: string;
  readonly id: number;
  /** It has a function, such as ending a turn: it is left out of decoded text. */
  readonly isSpecial: boolean;
  /** It takes the blanks before or after it. */
  readonly takesLeft: boolean;
  readonly takesRight: boolean;
  /** It is not found inside of a word. */
  readonly isWord: boolean;
  /** It is found in the normalized text. */
  readonly isNormalized: boolean;
}

/** Most added tokens, and most characters of one: the time to encode is proportional to its length. */
const maxAdded = 2 ** 16;
const maxLength = 1024;
/** Most characters of all of them, each as it is found: memory is proportional to them. */
const maxCharacters = 2 ** 20;

const path = "tokenizer.json: added_tokens";

/**
 * The field `added_tokens` of a tokenizer.json.
 *
 * @param special texts of tokens that are special although the file does not say so
 * @throws CheckpointError `TOKENIZER`
 */
export function readAddedTokens(json: Json | undefined, special: ReadonlySet<string>): AddedToken[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json) || json.length > maxAdded) refuse(path, `a list of at most ${maxAdded}`, json);
  return (json as readonly Json[]).map((entry, i) => {
    const token = new Component(entry, `${path}[${i}]`);
    const text = token.string("content") ?? token.missing("content");
    const isSpecial = (token.boolean("special") ?? false) || special.has(text);
    if (text === "" || text.length > maxLength) {
      refuse(`${token.path}.content`, `a string of 1 to ${maxLength} characters`, text);
    }
    return {
      text,
      id: checkId(token.get("id"), `${token.path}.id`),
      isSpecial,
      takesLeft: token.boolean("lstrip") ?? false,
      takesRight: token.boolean("rstrip") ?? false,
      isWord: token.boolean("single_word") ?? false,
      isNormalized: token.boolean("normalized") ?? !isSpecial,
    };
  });
}

/** A range of a text that is an added token, with the blanks that it takes, or has none. */
export interface Section extends TextRange {
  readonly token: AddedToken | undefined;
}

/** Finds added tokens in texts: from left to right, the longest first. */
export class AddedTokenFinder {
  /**
   * The edges of a trie: the number of a node by that of its parent and the next character, as `edge` joins them. One map for all
   * nodes takes a third of the memory that a map in each would take. The root is 0.
   */
  readonly #nodes = new Map<number, number>();
  /** The tokens by the numbers of the nodes at their ends. */
  readonly #tokens = new Map<number, AddedToken>();

  /**
   * @param textOf the text that a token is found by
   * @throws CheckpointError `TOKENIZER` when the texts are too long together
   */
  constructor(tokens: readonly AddedToken[], textOf: (token: AddedToken) => string) {
    let characters = 0;
    for (const token of tokens) {
      let node = 0;
      const text = textOf(token);
      characters += text.length;
      if (characters > maxCharacters)
        refuse(path, `tokens of at most ${maxCharacters} characters in all`, characters);
      for (let at = 0; at < text.length; at++) {
        const key = edge(node, text, at);
        node = this.#nodes.get(key) ?? this.#nodes.size + 1;
        this.#nodes.set(key, node);
      }
      if (node !== 0 && !this.#tokens.has(node)) this.#tokens.set(node, token);
    }
  }

  /**
   * Splits a text at its added tokens.
   *
   * @param literals ranges, in order and apart, that no special token overlaps
   */
  split(text: string, literals: readonly TextRange[] = []): Section[] {
    if (this.#nodes.size === 0) return text === "" ? [] : [{ start: 0, end: text.length, token: undefined }];
    const sections: Section[] = [];
    let start = 0;
    let passed = 0; // literals that end before `at`
    const endText = (end: number) => {
      if (end > start) sections.push({ start, end, token: undefined });
    };
    for (let at = 0; at < text.length;) {
      while ((literals[passed]?.end ?? Infinity) <= at) passed++;
      const found = this.#longestAt(text, at, literals[passed]?.start ?? Infinity);
      if (!found) {
        at++;
        continue;
      }
      let [from, to] = [at, at + found.length];
      if (found.token.takesLeft) while (from > start && /\s/.test(text.charAt(from - 1))) from--;
      if (found.token.takesRight) while (to < text.length && /\s/.test(text.charAt(to))) to++;
      endText(from);
      sections.push({ start: from, end: to, token: found.token });
      start = at = to;
    }
    endText(text.length);
    return sections;
  }

  /** @param literal where the next literal begins: a special token must end before it */
  #longestAt(
    text: string,
    start: number,
    literal: number,
  ): { token: AddedToken; length: number } | undefined {
    let longest: { token: AddedToken; length: number } | undefined;
    let node: number | undefined = 0;
    for (let at = start; at < text.length;) {
      node = this.#nodes.get(edge(node, text, at++));
      if (node === undefined) break;
      const token = this.#tokens.get(node);
      if (!token || (token.isSpecial && at > literal)) continue;
      if (!(token.isWord && isInWord(text, start, at))) longest = { token, length: at - start };
    }
    return longest;
  }
}

function edge(node: number, text: string, at: number): number {
  return node * 2 ** 16 + text.charCodeAt(at);
}

const wordCharacter = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;

function isInWord(text: string, start: number, end: number): boolean {
  return wordCharacter.test(text.charAt(start - 1)) || wordCharacter.test(text.charAt(end));
}
