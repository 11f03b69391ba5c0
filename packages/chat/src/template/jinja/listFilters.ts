import type { Budget } from "./budget.ts";
import { codePoints } from "./codePoints.ts";
import { fail } from "./fail.ts";
import type { Filter, FilterCall } from "./filterCall.ts";
import { textOf } from "./format.ts";
import { elementOf } from "./members.ts";
import { compare, operate } from "./operators.ts";
import { elementsOf, listOf } from "./sequences.ts";
import { test } from "./tests.ts";
import { charactersOf, isText, mapText } from "./text.ts";
import { join } from "./textChanges.ts";
import { Dict, intOf, isTrue, keyOf, type Key, Sequence, typeName, Undefined, type Value } from "./values.ts";

/** Returns a function that reads an attribute such as `function.name` or `items.0`, or the value itself. */
function attributeReader(budget: Budget, attribute: Value | undefined): (value: Value) => Value {
  if (attribute === undefined || attribute === null) return (value) => value;
  const index = intOf(attribute);
  if (index !== undefined) return (value) => elementOf(budget, value, index);
  if (!isText(attribute)) return fail(`an attribute is a text, got a ${typeName(attribute)}`);
  const path = charactersOf(attribute)
    .split(".", 64)
    .map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : part));
  return (value) => path.reduce<Value>((object, part) => elementOf(budget, object, part), value);
}

/** Texts in lower case, where a filter compares without regard to case. */
function caseReader(budget: Budget, isSensitive: boolean): (value: Value) => Value {
  if (isSensitive) return (value) => value;
  return (value) =>
    isText(value) ? mapText(budget, charactersOf(value), (characters) => characters.toLowerCase()) : value;
}

const select =
  (keeps: boolean, hasAttribute: boolean): Filter =>
  ({ budget, value, positional, named }) => {
    if (named.size > 0) return fail("a selection takes no named arguments");
    const [first, ...rest] = positional;
    const [name, ...args] = hasAttribute ? rest : positional;
    if (hasAttribute && first === undefined) return fail("selectattr and rejectattr need an attribute");
    const read = attributeReader(budget, hasAttribute ? first : undefined);
    if (name !== undefined && !isText(name)) return fail("a selection needs the name of a test");
    const holds = (item: Value) => {
      const found = read(item);
      return name === undefined ? isTrue(found) : test(budget, charactersOf(name), found, args);
    };
    const kept: Value[] = [];
    for (const item of elementsOf(budget, value)) {
      budget.elements(1);
      if (holds(item) === keeps) kept.push(item);
    }
    return new Sequence(kept, "generator");
  };

const map: Filter = (call) => {
  const changed: Value[] = [];
  const change = mapper(call);
  for (const item of elementsOf(call.budget, call.value)) {
    call.budget.elements(1);
    changed.push(change(item));
  }
  return new Sequence(changed, "generator");
};

function mapper({ budget, positional, named, bind, apply }: FilterCall): (value: Value) => Value {
  if (positional.length === 0) {
    const args = bind("attribute", "default");
    const read = attributeReader(budget, args.need("attribute"));
    return (item) => {
      const found = read(item);
      return found instanceof Undefined ? (args.get("default") ?? found) : found;
    };
  }
  const [name, ...rest] = positional;
  if (!isText(name)) return fail("map needs the name of a filter");
  return (value) => apply(charactersOf(name), value, { positional: rest, named });
}

const joinFilter: Filter = ({ budget, value, bind }) => {
  const args = bind("d", "attribute");
  const read = attributeReader(budget, args.get("attribute"));
  const separator = textOf(budget, args.get("d") ?? "");
  const texts = listOf(budget, value).map((item) => textOf(budget, read(item)));
  return join(budget, texts, separator);
};

const sort: Filter = ({ budget, value, bind }) => {
  const args = bind("reverse", "case_sensitive", "attribute");
  const read = attributeReader(budget, args.get("attribute"));
  const fold = caseReader(budget, args.isTrue("case_sensitive", false));
  return new Sequence(
    sorted(budget, listOf(budget, value), (item) => fold(read(item)), args.isTrue("reverse", false)),
  );
};

/** The items in the order of their keys; equal ones stay in theirs. */
function sorted(
  budget: Budget,
  items: readonly Value[],
  keyFor: (item: Value) => Value,
  isReverse: boolean,
): Value[] {
  budget.elements(4 * items.length);
  const keyed = items.map((item) => ({ item, key: keyFor(item) }));
  const sign = isReverse ? -1 : 1;
  return keyed.sort((a, b) => sign * compare(budget, a.key, b.key)).map(({ item }) => item);
}

const dictSort: Filter = ({ budget, value, bind }) => {
  const args = bind("case_sensitive", "by", "reverse");
  if (!(value instanceof Dict)) return fail(`dictsort needs a dict, got a ${typeName(value)}`);
  const by = args.characters("by") ?? "key";
  if (by !== "key" && by !== "value") return fail("dictsort: by must be key or value");
  const fold = caseReader(budget, args.isTrue("case_sensitive", false));
  const pairs = Array.from(value.entries.values(), (pair) => new Sequence(pair, "tuple"));
  const keyFor = (pair: Value) =>
    fold((pair instanceof Sequence ? pair.items?.[by === "key" ? 0 : 1] : undefined) ?? null);
  return new Sequence(sorted(budget, pairs, keyFor, args.isTrue("reverse", false)));
};

const unique: Filter = ({ budget, value, bind }) => {
  const args = bind("case_sensitive", "attribute");
  const read = attributeReader(budget, args.get("attribute"));
  const fold = caseReader(budget, args.isTrue("case_sensitive", false));
  const seen = new Set<Key>();
  const kept: Value[] = [];
  for (const item of elementsOf(budget, value)) {
    const key = keyOf(fold(read(item)));
    budget.elements(2);
    if (!seen.has(key)) kept.push(item);
    seen.add(key);
  }
  return new Sequence(kept, "generator");
};

const edge =
  (isLast: boolean): Filter =>
  ({ budget, value, bind }) => {
    bind();
    if (isText(value) && !isLast) {
      const [first] = codePoints(budget, value);
      return first ?? new Undefined("the first of an empty text");
    }
    if (isLast && value instanceof Sequence && value.kind === "generator") {
      return fail("last needs a list, got a generator");
    }
    const items = listOf(budget, value);
    const item = items.at(isLast ? -1 : 0);
    return item !== undefined ? item : new Undefined("the first or last of no elements");
  };

const extreme =
  (sign: number): Filter =>
  ({ budget, value, bind }) => {
    const args = bind("case_sensitive", "attribute");
    const read = attributeReader(budget, args.get("attribute"));
    const fold = caseReader(budget, args.isTrue("case_sensitive", false));
    const [first, ...rest] = listOf(budget, value);
    if (first === undefined) return new Undefined("the least or greatest of no elements");
    return rest.reduce(
      (best, item) => (sign * compare(budget, fold(read(item)), fold(read(best))) > 0 ? item : best),
      first,
    );
  };

const sum: Filter = ({ budget, value, bind }) => {
  const args = bind("attribute", "start");
  const read = attributeReader(budget, args.get("attribute"));
  return listOf(budget, value).reduce<Value>(
    (total, item) => operate(budget, "+", total, read(item)),
    args.getOr("start", 0),
  );
};

const list: Filter = ({ budget, value, bind }) => {
  bind();
  return new Sequence(listOf(budget, value));
};

const reverse: Filter = ({ budget, value, bind }) => {
  bind();
  const items = listOf(budget, value);
  budget.elements(items.length);
  const reversed = [...items].reverse();
  if (!isText(value)) return new Sequence(reversed, "generator");
  return join(
    budget,
    reversed.map((item) => textOf(budget, item)),
    "",
  );
};

const batch: Filter = ({ budget, value, bind }) => {
  const args = bind("linecount", "fill_with");
  const [size, fill] = [args.int("linecount") ?? 0, args.get("fill_with") ?? null];
  if (size < 1) return fail("batch needs a number of at least 1");
  const items = listOf(budget, value);
  const count = Math.ceil(items.length / size);
  budget.elements(3 * count + count * size);
  const batches = Array.from({ length: count }, (_, i) => {
    const chunk = items.slice(i * size, (i + 1) * size);
    while (fill !== null && chunk.length < size) chunk.push(fill);
    return new Sequence(chunk);
  });
  return new Sequence(batches, "generator");
};

export const listFilters: readonly (readonly [string, Filter])[] = [
  ["select", select(true, false)],
  ["reject", select(false, false)],
  ["selectattr", select(true, true)],
  ["rejectattr", select(false, true)],
  ["map", map],
  ["join", joinFilter],
  ["sort", sort],
  ["dictsort", dictSort],
  ["unique", unique],
  ["first", edge(false)],
  ["last", edge(true)],
  ["min", extreme(-1)],
  ["max", extreme(1)],
  ["sum", sum],
  ["list", list],
  ["reverse", reverse],
  ["batch", batch],
];
