import { MambaError } from "../errors.ts";
import { isObject, type Json } from "../safetensors/json.ts";

/** A result of adding text: the text that is certain, and true for `stopped` when a stop string was found after it. */
interface Released {
  readonly text: string;
  readonly stopped: boolean;
}

/**
 * Final text that is not returned yet, since a stop string may begin with it. The text of special tokens that are not
 * returned is part of it as hidden text: only stop strings that hold a special token see it.
 */
export class HeldText {
  readonly #stops: readonly string[];
  readonly #stopsWithSpecial: readonly string[];
  #text = "";
  /** For each unit of `#text`: `v` for visible, `h` for hidden. */
  #mask = "";

  constructor(stops: readonly string[], stopsWithSpecial: readonly string[]) {
    this.#stops = stops;
    this.#stopsWithSpecial = stopsWithSpecial;
  }

  add(fresh: string): Released {
    this.#append(fresh, "v");
    const visible = visibleOf(this.#text, this.#mask);
    const end = Math.min(first(visible, this.#stops), this.#firstHidden(this.#text, this.#mask));
    if (end < Infinity) {
      this.clear();
      return { text: visible.slice(0, end), stopped: true };
    }
    const held = longestOverlap(visible, this.#stops);
    const heldWithSpecial = longestOverlap(this.#text, this.#stopsWithSpecial);
    const cut = Math.min(this.#unitsBefore(held), this.#text.length - heldWithSpecial);
    const text = visibleOf(this.#text.slice(0, cut), this.#mask);
    this.#text = this.#text.slice(cut);
    this.#mask = this.#mask.slice(cut);
    return { text, stopped: false };
  }

  /**
   * Adds the text that became final with a special token, then the token's own text.
   *
   * @param rest text before the token that is not final yet
   */
  addSpecial(fresh: string, rest: string, special: string): Released {
    const before = this.add(fresh);
    if (before.stopped) return before;
    const text = this.#text + rest + special;
    const mask = this.#mask + "v".repeat(rest.length) + "h".repeat(special.length);
    const end = this.#firstHidden(text, mask);
    if (end < Infinity) {
      this.clear();
      return { text: before.text + visibleOf(text, mask).slice(0, end), stopped: true };
    }
    this.#append(special, "h");
    const after = this.add("");
    return { text: before.text + after.text, stopped: after.stopped };
  }

  /** Returns the held text as if `rest` and then nothing followed. It changes nothing. */
  peek(rest: string): string {
    const text = visibleOf(this.#text, this.#mask) + rest;
    return text.slice(0, Math.min(text.length, first(text, this.#stops)));
  }

  clear(): void {
    this.#text = "";
    this.#mask = "";
  }

  snapshot(): Json {
    return this.#text === "" ? null : { text: this.#text, mask: this.#mask };
  }

  /** @throws MambaError `CACHE` */
  restore(snapshot: Json): void {
    if (snapshot === null) return;
    const { text, mask } = isObject(snapshot) ? snapshot : {};
    if (typeof text !== "string" || typeof mask !== "string" || !/^[vh]*$/.test(mask)) {
      throw new MambaError("CACHE", "saved text: expected the text that is held back, and its mask");
    }
    if (text.length !== mask.length) throw new MambaError("CACHE", "saved text: the mask has another length");
    this.#text = text;
    this.#mask = mask;
  }

  #append(text: string, kind: "v" | "h"): void {
    this.#text += text;
    this.#mask += kind.repeat(text.length);
  }

  /** Visible units before the first stop string that holds a special token; Infinity without one. */
  #firstHidden(text: string, mask: string): number {
    const at = first(text, this.#stopsWithSpecial);
    return at === Infinity ? at : visibleOf(text.slice(0, at), mask).length;
  }

  /** Units of `#text` before its last `count` visible units. */
  #unitsBefore(count: number): number {
    let at = this.#text.length;
    for (let left = count; left > 0; left--) at = this.#mask.lastIndexOf("v", at - 1);
    return at;
  }
}

function visibleOf(text: string, mask: string): string {
  const end = mask.indexOf("h");
  if (end === -1 || end >= text.length) return text;
  return Array.from({ length: text.length }, (_, i) => (mask[i] === "v" ? text.charAt(i) : "")).join("");
}

/** Start of the earliest of some strings in a text; Infinity when there is none. */
function first(text: string, strings: readonly string[]): number {
  let start = Infinity;
  for (const string of strings) {
    const at = text.indexOf(string);
    if (at !== -1 && at < start) start = at;
  }
  return start;
}

/** Length of the longest end of `text` that is a beginning of one of `strings`, and not a whole one. */
function longestOverlap(text: string, strings: readonly string[]): number {
  let longest = 0;
  for (const string of strings) {
    for (let length = Math.min(text.length, string.length - 1); length > longest; length--) {
      if (text.endsWith(string.slice(0, length))) longest = length;
    }
  }
  return longest;
}
