import type { Budget } from "./budget.ts";
import { charactersOf, cut, type Text, TextBuilder } from "./text.ts";

const surrogate = /[\ud800-\udfff]/;

/** The number of code points of a text, which is its length in Python. */
export function lengthOf(budget: Budget, text: string): number {
  budget.read(text.length);
  if (!surrogate.test(text)) return text.length;
  let count = 0;
  for (let at = 0; at < text.length; at += widthAt(text, at)) count++;
  return count;
}

/** The position in UTF-16 units of a code point, by its index from 0. */
export function unitAt(budget: Budget, text: string, index: number): number {
  budget.read(text.length);
  if (!surrogate.test(text)) return Math.min(index, text.length);
  let at = 0;
  for (let i = 0; i < index && at < text.length; i++) at += widthAt(text, at);
  return at;
}

/** The index of a code point by its position in UTF-16 units. */
export function indexOfUnit(budget: Budget, text: string, unit: number): number {
  return unit < 0 ? unit : lengthOf(budget, text.slice(0, unit));
}

/** The code points of a text, as texts. */
export function* codePoints(budget: Budget, text: Text): Generator<Text> {
  const characters = charactersOf(text);
  for (let at = 0; at < characters.length;) {
    const end = at + widthAt(characters, at);
    budget.step();
    yield typeof text === "string" ? text.slice(at, end) : cut(budget, text, at, end);
    at = end;
  }
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** The indices that Python's slice `[start:stop:step]` of `length` elements has: first, end and step. */
export function sliceRange(
  length: number,
  start: number | undefined,
  stop: number | undefined,
  step: number,
): { first: number; end: number } {
  const clamp = (index: number, least: number, most: number) =>
    Math.min(Math.max(index < 0 ? index + length : index, least), most);
  if (step > 0) {
    return {
      first: start === undefined ? 0 : clamp(start, 0, length),
      end: stop === undefined ? length : clamp(stop, 0, length),
    };
  }
  return {
    first: start === undefined ? length - 1 : clamp(start, -1, length - 1),
    end: stop === undefined ? -1 : clamp(stop, -1, length - 1),
  };
}

/** A slice of a text, by code points. */
export function sliceText(
  budget: Budget,
  text: Text,
  start: number | undefined,
  stop: number | undefined,
  step: number,
): Text {
  const characters = charactersOf(text);
  const { first, end } = sliceRange(lengthOf(budget, characters), start, stop, step);
  if (step === 1) {
    return end <= first
      ? ""
      : cut(budget, text, unitAt(budget, characters, first), unitAt(budget, characters, end));
  }
  const points = [...codePoints(budget, text)];
  budget.elements(points.length);
  const builder = new TextBuilder(budget);
  for (let i = first; step > 0 ? i < end : i > end; i += step) builder.add(points[i] ?? "");
  return builder.finish();
}
