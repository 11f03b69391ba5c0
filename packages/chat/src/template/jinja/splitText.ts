import type { Budget } from "./budget.ts";
import { fail } from "./fail.ts";
import { findAll, findLast } from "./search.ts";
import { charactersOf, cut, type Text } from "./text.ts";
import { skipSpace, skipSpaceBack } from "./whitespace.ts";

/** Python's `text.split(separator, most)`. A negative `most` is no limit. */
export function split(budget: Budget, text: Text, separator: string | undefined, most: number): Text[] {
  if (separator === undefined) return splitAtSpace(budget, text, most);
  if (separator === "") fail("split: the separator is empty");
  const parts: Text[] = [];
  let end = 0;
  for (const at of findAll(budget, charactersOf(text), separator)) {
    if (parts.length === most) break;
    add(budget, parts, text, end, at);
    end = at + separator.length;
  }
  add(budget, parts, text, end, charactersOf(text).length);
  return parts;
}

function add(budget: Budget, parts: Text[], text: Text, start: number, end: number): void {
  budget.elements(2);
  parts.push(cut(budget, text, start, end));
}

function splitAtSpace(budget: Budget, text: Text, most: number): Text[] {
  const characters = charactersOf(text);
  budget.read(characters.length);
  const parts: Text[] = [];
  let at = skipSpace(characters, 0);
  while (at < characters.length) {
    if (parts.length === most) {
      add(budget, parts, text, at, characters.length);
      break;
    }
    let end = at;
    while (end < characters.length && skipSpace(characters, end) === end) end++;
    add(budget, parts, text, at, end);
    at = skipSpace(characters, end);
  }
  return parts;
}

/** Python's `text.rsplit(separator, most)`: as `split`, but from the end. */
export function splitBack(budget: Budget, text: Text, separator: string | undefined, most: number): Text[] {
  if (most < 0) return split(budget, text, separator, most);
  if (separator === undefined) return splitBackAtSpace(budget, text, most);
  if (separator === "") fail("rsplit: the separator is empty");
  const characters = charactersOf(text);
  const parts: Text[] = [];
  let end = characters.length;
  while (parts.length < most) {
    const at = findLast(budget, characters.slice(0, end), separator);
    if (at < 0) break;
    add(budget, parts, text, at + separator.length, end);
    end = at;
  }
  add(budget, parts, text, 0, end);
  return parts.reverse();
}

function splitBackAtSpace(budget: Budget, text: Text, most: number): Text[] {
  const characters = charactersOf(text);
  budget.read(characters.length);
  const parts: Text[] = [];
  let end = skipSpaceBack(characters, characters.length);
  while (end > 0) {
    let start = end;
    while (start > 0 && skipSpaceBack(characters, start) === start) start--;
    if (parts.length === most) start = 0;
    add(budget, parts, text, start, end);
    end = skipSpaceBack(characters, start);
  }
  return parts.reverse();
}

const lineEnd = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g; // eslint-disable-line no-control-regex -- Python's ends of lines

/** Python's `text.splitlines()`. */
export function splitLines(budget: Budget, text: Text, keepEnds = false): Text[] {
  const characters = charactersOf(text);
  budget.read(characters.length);
  const lines: Text[] = [];
  let start = 0;
  for (const { index, 0: mark } of characters.matchAll(lineEnd)) {
    const end = index + mark.length;
    add(budget, lines, text, start, keepEnds ? end : index);
    start = end;
  }
  if (start < characters.length) add(budget, lines, text, start, characters.length);
  return lines;
}
