/** The characters of JSON outside of strings. */
const outside = /[\s{}[\]:,"\-+.\dEeaflnrstu]/;

/** Finds the end of a JSON object or array that arrives in characters, without parsing it. */
export class JsonScanner {
  readonly #maxDepth: number;
  #text = "";
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  /** The characters so far. */
  get text(): string {
    return this.#text;
  }

  get length(): number {
    return this.#text.length;
  }

  /** Adds a character, the first one `{` or `[`. Returns "end" when the value is complete, "invalid" when this cannot be JSON. */
  push(character: string): "more" | "end" | "invalid" {
    this.#text += character;
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === "\\") this.#isEscaped = true;
      else if (character === '"') this.#isInString = false;
      return "more";
    }
    if (!outside.test(character)) return "invalid";
    if (character === '"') this.#isInString = true;
    else if (character === "{" || character === "[") this.#depth++;
    else if (character === "}" || character === "]") this.#depth--;
    if (this.#depth > this.#maxDepth) return "invalid";
    return this.#depth === 0 ? "end" : "more";
  }
}
