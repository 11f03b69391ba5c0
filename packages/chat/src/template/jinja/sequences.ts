import type { Budget } from "./budget.ts";
import { codePoints } from "./codePoints.ts";
import { fail } from "./fail.ts";
import { isText } from "./text.ts";
import { Dict, Sequence, typeName, Undefined, type Value } from "./values.ts";

/** The elements that a loop over a value visits: of a dict its keys, of a text its code points, of an undefined value none. */
export function elementsOf(budget: Budget, value: Value): Iterable<Value> {
  if (value instanceof Sequence) return value.take();
  if (isText(value)) return codePoints(budget, value);
  if (value instanceof Undefined) return [];
  if (value instanceof Dict) return keysOf(budget, value);
  return fail(`a ${typeName(value)} has no elements`);
}

/** The elements of a value as a list. */
export function listOf(budget: Budget, value: Value): readonly Value[] {
  const elements = elementsOf(budget, value);
  if (Array.isArray(elements)) return elements as readonly Value[];
  const list: Value[] = [];
  for (const element of elements) {
    budget.elements(1);
    list.push(element);
  }
  return list;
}

export function keysOf(budget: Budget, dict: Dict): Value[] {
  budget.elements(dict.entries.size);
  return Array.from(dict.entries.values(), ([key]) => key);
}

export function valuesOf(budget: Budget, dict: Dict): Value[] {
  budget.elements(dict.entries.size);
  return Array.from(dict.entries.values(), ([, value]) => value);
}

/** The pairs of a dict, each a tuple. */
export function pairsOf(budget: Budget, dict: Dict): Value[] {
  budget.elements(4 * dict.entries.size);
  return Array.from(dict.entries.values(), ([key, value]) => new Sequence([key, value], "tuple"));
}
