import { PtxError } from "./error.mjs";

/**
 * @typedef {object} Token
 * @property {"word" | "directive" | "number" | "string" | "punctuation" | "end"} kind a word is a name or an opcode with
 *   its modifiers; a directive starts with a dot
 * @property {string} text
 * @property {number} line from 1
 */

const patterns = /** @type {const} */ ([
  ["space", /[ \t\r\n]+|\/\/[^\n]*|\/\*[^]*?\*\//y],
  ["string", /"[^"\n]*"/y],
  ["number", /0[fF][0-9a-fA-F]{8}\b|0[dD][0-9a-fA-F]{16}\b|0[xX][0-9a-fA-F]+U?\b|\d+U?\b/y],
  ["word", /[%$_A-Za-z][\w$]*(?:(?:\.|::)\w+)*/y],
  ["directive", /\.\w+/y],
  ["punctuation", /[{}()[\],;:|@!+\-<>=]/y],
]);

/**
 * @param {string} text
 * @returns {Token[]} without comments, with a last token of kind "end"
 */
export function tokenize(text) {
  /** @type {Token[]} */
  const tokens = [];
  let at = 0;
  let line = 1;
  next: while (at < text.length) {
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (found === undefined) continue;
      if (kind !== "space") tokens.push({ kind, text: found, line });
      line += found.split("\n").length - 1;
      at += found.length;
      continue next;
    }
    throw new PtxError(line, `unexpected character ${JSON.stringify(text[at])}`);
  }
  tokens.push({ kind: "end", text: "end of file", line });
  return tokens;
}

/** Reads tokens in order. */
export class Reader {
  #at = 0;
  #tokens;

  /** @param {Token[]} tokens as `tokenize` gives them */
  constructor(tokens) {
    this.#tokens = tokens;
  }

  /** @returns {Token} */
  get next() {
    // The reader never goes past the last token.
    return /** @type {Token} */ (this.#tokens[this.#at]);
  }

  /** @returns {Token} */
  get afterNext() {
    return this.#tokens[this.#at + 1] ?? this.next;
  }

  /** @returns {Token} */
  take() {
    const token = this.next;
    if (token.kind === "end") throw new PtxError(token.line, "unexpected end of file");
    this.#at++;
    return token;
  }

  /**
   * @param {string} text
   * @returns {boolean} whether it was there, and has been taken
   */
  accept(text) {
    if (this.next.text !== text) return false;
    this.take();
    return true;
  }

  /** @param {string} text */
  expect(text) {
    const token = this.take();
    if (token.text !== text) throw new PtxError(token.line, `expected ${text}, got ${token.text}`);
  }

  /**
   * @param {Token["kind"]} kind
   * @returns {Token}
   */
  takeKind(kind) {
    const token = this.take();
    if (token.kind !== kind) throw new PtxError(token.line, `expected a ${kind}, got ${token.text}`);
    return token;
  }

  /** @returns {number} */
  takeCount() {
    const token = this.takeKind("number");
    const count = Number(token.text.replace(/U$/, ""));
    if (!Number.isSafeInteger(count)) throw new PtxError(token.line, `expected a count, got ${token.text}`);
    return count;
  }
}
