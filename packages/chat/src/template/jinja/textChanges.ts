import type { Budget } from "./budget.ts";
import { findAll } from "./search.ts";
import { splitLines } from "./splitText.ts";
import { charactersOf, concat, cut, mapText, type Text, TextBuilder } from "./text.ts";
import { isSpace } from "./whitespace.ts";

/** Removes blanks, or the characters of a set, from the ends of a text. */
export function strip(budget: Budget, text: Text, set: string | undefined, left = true, right = true): Text {
  const characters = charactersOf(text);
  budget.read(characters.length + (set?.length ?? 0));
  const removed = set === undefined ? undefined : new Set(set);
  const isRemoved = (at: number) =>
    removed ? removed.has(characters.charAt(at)) : isSpace(characters.charCodeAt(at));
  let [start, end] = [0, characters.length];
  if (left) while (start < end && isRemoved(start)) start++;
  if (right) while (end > start && isRemoved(end - 1)) end--;
  return cut(budget, text, start, end);
}

/** Python's `text.replace(old, new, count)`. A negative count is no limit. */
export function replace(budget: Budget, text: Text, old: string, by: Text, count: number): Text {
  const builder = new TextBuilder(budget);
  const characters = charactersOf(text);
  let [end, replaced] = [0, 0];
  const positions = old === "" ? everyPosition(characters) : findAll(budget, characters, old);
  for (const at of positions) {
    if (replaced === count) break;
    replaced++;
    builder.add(text, end, at).add(by);
    end = at + old.length;
  }
  return replaced === 0 ? text : builder.add(text, end).finish();
}

/** The positions between the code points of a text, and at its ends. */
function* everyPosition(text: string): Generator<number> {
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) yield at;
  yield text.length;
}

export function join(budget: Budget, texts: readonly Text[], separator: Text): Text {
  const builder = new TextBuilder(budget);
  texts.forEach((text, i) => {
    budget.step();
    if (i > 0) builder.add(separator);
    builder.add(text);
  });
  return builder.finish();
}

/** Jinja's filter `indent`. */
export function indent(
  budget: Budget,
  text: Text,
  indention: Text,
  { first, blank }: { first: boolean; blank: boolean },
): Text {
  const lines = splitLines(budget, concat(budget, text, "\n"));
  const builder = new TextBuilder(budget);
  lines.forEach((line, i) => {
    if (i > 0) builder.add("\n");
    const isIndented = i === 0 ? first : blank || charactersOf(line) !== "";
    if (isIndented) builder.add(indention);
    builder.add(line);
  });
  return builder.finish();
}

/** Python's `str.title`: a capital where a word of letters begins. */
export function titleCase(characters: string): string {
  return characters.replace(
    /(\p{L})(\p{L}*)/gu,
    (_, head: string, tail: string) => head.toUpperCase() + tail.toLowerCase(),
  );
}

/** Jinja's filter `title`: words begin after blanks, hyphens and opening brackets. */
export function titleFilter(budget: Budget, text: Text): Text {
  return mapText(budget, text, (characters) =>
    characters.replace(/[^-\s({[<]+/gu, (word) => {
      const [first = ""] = word;
      return first.toUpperCase() + word.slice(first.length).toLowerCase();
    }),
  );
}

const htmlEscapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

/** Jinja's filter `escape`. */
export function escapeHtml(budget: Budget, text: Text): Text {
  return mapText(budget, text, (characters) =>
    characters.replace(/[&<>"']/g, (character) => htmlEscapes[character] ?? character),
  );
}
