import type { Budget } from "./budget.ts";

/** Comparisons that the engine's search may take at worst, which is the product of the lengths: some 10 ms. */
const maxComparisons = 2 ** 24;
/** Characters between two looks at the clock. */
const charactersPerCheck = 2 ** 16;

/** The position of a text in another, from a position on, or -1. In linear time for every text. */
export function find(budget: Budget, text: string, searched: string, from = 0): number {
  const length = text.length - from;
  if (searched.length > length) return -1;
  if (length * Math.min(searched.length, length - searched.length + 1) <= maxComparisons) {
    const found = text.indexOf(searched, from);
    budget.read((found < 0 ? length : found - from) + searched.length);
    return found;
  }
  return firstMatch(budget, text, searched, from);
}

export function includes(budget: Budget, text: string, searched: string): boolean {
  return find(budget, text, searched) >= 0;
}

/** The positions of a text in another that do not overlap, from left to right. */
export function* findAll(budget: Budget, text: string, searched: string): Generator<number> {
  for (let at = find(budget, text, searched); at >= 0; at = find(budget, text, searched, at)) {
    yield at;
    at += searched.length;
  }
}

/** The last position of a text in another, or -1. */
export function findLast(budget: Budget, text: string, searched: string): number {
  budget.read(text.length);
  const length = text.length * Math.min(searched.length, text.length - searched.length + 1);
  if (length <= maxComparisons) return text.lastIndexOf(searched);
  let last = -1;
  for (let at = find(budget, text, searched); at >= 0; at = find(budget, text, searched, at + 1)) last = at;
  return last;
}

/** The search of Knuth, Morris and Pratt. */
function firstMatch(budget: Budget, text: string, searched: string, from: number): number {
  budget.allocate(4 * searched.length);
  const borders = new Int32Array(searched.length);
  let matched = 0;
  for (let i = 1; i < searched.length; i++) {
    const unit = searched.charCodeAt(i);
    while (matched > 0 && searched.charCodeAt(matched) !== unit) matched = borders[matched - 1] ?? 0;
    if (searched.charCodeAt(matched) === unit) matched++;
    borders[i] = matched;
    if (i % charactersPerCheck === 0) budget.read(charactersPerCheck);
  }
  matched = 0;
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    while (matched > 0 && searched.charCodeAt(matched) !== unit) matched = borders[matched - 1] ?? 0;
    if (searched.charCodeAt(matched) === unit) matched++;
    if (matched === searched.length) return i - matched + 1;
    if (i % charactersPerCheck === 0) budget.read(charactersPerCheck);
  }
  return -1;
}
