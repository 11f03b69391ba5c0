import type { Budget } from "./budget.ts";

/** A text whose characters are in part literal: written by a message, a tool or a variable, and not by the template. */
export class MarkedText {
  readonly text: string;
  /** The literal ranges: start, end, start, end, … in order and apart. */
  readonly literals: readonly number[];

  constructor(text: string, literals: readonly number[]) {
    this.text = text;
    this.literals = literals;
  }
}

/** The strings of a template. A `string` has no literal character. */
export type Text = string | MarkedText;

export function isText(value: unknown): value is Text {
  return typeof value === "string" || value instanceof MarkedText;
}

/** The characters of a text. */
export function charactersOf(text: Text): string {
  return typeof text === "string" ? text : text.text;
}

/** A text that is literal from end to end. */
export function literalText(text: string): Text {
  return text === "" ? "" : new MarkedText(text, [0, text.length]);
}

/** Texts that are joined at once. */
const joined = 1024;

/** Makes a text of others, in time and memory proportional to them. */
export class TextBuilder {
  readonly #budget: Budget;
  readonly #chunks: string[] = [];
  readonly #literals: number[] = [];
  #recent: string[] = [];
  #length = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a text, or the range `[start, end)` of it. */
  add(text: Text, start = 0, end = charactersOf(text).length): this {
    if (end <= start) return this;
    const characters = charactersOf(text);
    this.#budget.text(this.#length + end - start, end - start);
    if (typeof text !== "string") this.#addLiterals(text.literals, start, end);
    this.#recent.push(start === 0 && end === characters.length ? characters : characters.slice(start, end));
    this.#length += end - start;
    if (this.#recent.length === joined) {
      this.#chunks.push(this.#recent.join(""));
      this.#recent = [];
    }
    return this;
  }

  finish(): Text {
    const text = this.#chunks.join("") + this.#recent.join("");
    return this.#literals.length > 0 ? new MarkedText(text, this.#literals) : text;
  }

  #addLiterals(literals: readonly number[], start: number, end: number): void {
    const offset = this.#length - start;
    for (let i = firstEndAfter(literals, start); i < literals.length; i += 2) {
      const [from = 0, to = 0] = [literals[i], literals[i + 1]];
      if (from >= end) return;
      this.#budget.allocate(16);
      this.#budget.step(0.1);
      const begin = Math.max(from, start) + offset;
      // Literals that touch are one.
      if (this.#literals.at(-1) === begin) this.#literals.pop();
      else this.#literals.push(begin);
      this.#literals.push(Math.min(to, end) + offset);
    }
  }
}

/** The index of the first range that ends after a position. */
function firstEndAfter(literals: readonly number[], position: number): number {
  let [low, high] = [0, literals.length / 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((literals[2 * middle + 1] ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return 2 * low;
}

/** The range `[start, end)` of a text. */
export function cut(budget: Budget, text: Text, start: number, end = charactersOf(text).length): Text {
  if (start <= 0 && end >= charactersOf(text).length) return text;
  return new TextBuilder(budget).add(text, Math.max(start, 0), end).finish();
}

export function concat(budget: Budget, ...texts: readonly Text[]): Text {
  const builder = new TextBuilder(budget);
  for (const text of texts) builder.add(text);
  return builder.finish();
}

/** Changes the characters of a text: the literal ones and the others on their own. */
export function mapText(budget: Budget, text: Text, change: (characters: string) => string): Text {
  budget.read(charactersOf(text).length);
  if (typeof text === "string") {
    const changed = change(text);
    budget.text(changed.length);
    return changed;
  }
  const builder = new TextBuilder(budget);
  let end = 0;
  const { text: characters, literals } = text;
  for (let i = 0; i < literals.length; i += 2) {
    const [from = 0, to = 0] = [literals[i], literals[i + 1]];
    builder.add(change(characters.slice(end, from)));
    builder.add(literalText(change(characters.slice(from, to))));
    end = to;
  }
  return builder.add(change(characters.slice(end))).finish();
}
