import type { RenderedText } from "../template/chatTemplate.ts";

/** Stands for the first character of a special token that a message spells. Rendered conversations have none of it. */
const spelled = "\uFDD0";

/** Makes rendered conversations comparable. */
export type Comparable = (rendered: RenderedText) => string;

/**
 * A function that marks the special tokens which messages spell, in a text of the same length. So two conversations with equal results
 * have equal ids, and a prefix of one has those of a prefix.
 */
export function comparableWith(specialTokens: ReadonlyMap<string, number>): Comparable {
  const names = [...specialTokens.keys()].filter((name) => name !== "");
  if (names.length === 0) return ({ text }) => text;
  const longest = Math.max(...names.map(({ length }) => length));
  const escaped = names
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const pattern = new RegExp(escaped.join("|"), "g");
  return ({ text, literals }) => {
    const places = literals.flatMap(({ start, end }) => {
      const from = Math.max(start - longest, 0);
      const found = [...text.slice(from, end + longest).matchAll(pattern)];
      return found
        .map(({ index, 0: { length } }) => [from + index, from + index + length] as const)
        .filter(([first, last]) => first < end && last > start)
        .map(([first]) => first);
    });
    let result = "";
    let next = 0;
    for (const place of [...new Set(places)].sort((a, b) => a - b)) {
      result += text.slice(next, place) + spelled;
      next = place + 1;
    }
    return result + text.slice(next);
  };
}
