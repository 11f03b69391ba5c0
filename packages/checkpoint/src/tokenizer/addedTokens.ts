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

/**
 * The field `added_tokens` of a tokenizer.json.
 *
 * @param special texts of tokens that are special although the file does not say so
 * @throws CheckpointError `TOKENIZER`
 */
export function readAddedTokens(json: Json | undefined, special: ReadonlySet<string>): AddedToken[] {
  const path = "tokenizer.json: added_tokens";
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

/** A text that is no added token, or an added token. */
export type Section = string | AddedToken;

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  token?: AddedToken;
}

/** Finds added tokens in texts: from left to right, the longest first. */
export class AddedTokenFinder {
  readonly #root: TrieNode = { children: new Map() };

  /** @param textOf the text that a token is found by */
  constructor(tokens: readonly AddedToken[], textOf: (token: AddedToken) => string) {
    for (const token of tokens) {
      let node = this.#root;
      for (const unit of textOf(token).split("")) {
        let child = node.children.get(unit);
        if (!child) node.children.set(unit, (child = { children: new Map() }));
        node = child;
      }
      if (node !== this.#root) node.token ??= token;
    }
  }

  split(text: string): Section[] {
    if (this.#root.children.size === 0) return text === "" ? [] : [text];
    const sections: Section[] = [];
    let start = 0;
    const endText = (end: number) => {
      if (end > start) sections.push(text.slice(start, end));
    };
    for (let at = 0; at < text.length;) {
      const found = this.#longestAt(text, at);
      if (!found) {
        at++;
        continue;
      }
      let [from, to] = [at, at + found.length];
      if (found.token.takesLeft) while (from > start && /\s/.test(text.charAt(from - 1))) from--;
      if (found.token.takesRight) while (to < text.length && /\s/.test(text.charAt(to))) to++;
      endText(from);
      sections.push(found.token);
      start = at = to;
    }
    endText(text.length);
    return sections;
  }

  #longestAt(text: string, start: number): { token: AddedToken; length: number } | undefined {
    let longest: { token: AddedToken; length: number } | undefined;
    let node: TrieNode | undefined = this.#root;
    for (let at = start; at < text.length;) {
      node = node.children.get(text.charAt(at++));
      if (!node) break;
      const { token } = node;
      if (token && !(token.isWord && isInWord(text, start, at))) longest = { token, length: at - start };
    }
    return longest;
  }
}

const wordCharacter = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;

function isInWord(text: string, start: number, end: number): boolean {
  return wordCharacter.test(text.charAt(start - 1)) || wordCharacter.test(text.charAt(end));
}
