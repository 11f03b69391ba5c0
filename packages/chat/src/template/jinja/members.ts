import { Bound } from "./args.ts";
import type { Budget } from "./budget.ts";
import { lengthOf, sliceRange, sliceText, unitAt } from "./codePoints.ts";
import { fail } from "./fail.ts";
import { equals } from "./operators.ts";
import { keysOf, pairsOf, valuesOf } from "./sequences.ts";
import { charactersOf, cut, isText, type Text } from "./text.ts";
import { textMethod } from "./textMethods.ts";
import {
  type Args,
  Callable,
  Dict,
  intOf,
  Namespace,
  Sequence,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** `object.name`: a method or a field of the object, else its element. */
export function attributeOf(budget: Budget, object: Value, name: string): Value {
  if (object instanceof Undefined) return fail(object.reason);
  const found = ownAttribute(budget, object, name);
  if (found !== undefined) return found;
  const element = object instanceof Dict ? object.get(name) : undefined;
  return element !== undefined ? element : lack(object, name);
}

/** `object[key]`: an element of the object, else its method or field. */
export function elementOf(budget: Budget, object: Value, key: Value): Value {
  budget.step();
  if (object instanceof Undefined) return fail(object.reason);
  if (object instanceof Dict) {
    const isKey = !(key instanceof Sequence || key instanceof Dict || key instanceof Undefined);
    const found = isKey ? object.get(key) : undefined;
    if (found !== undefined) return found;
  }
  const index = intOf(key);
  if (index !== undefined && object instanceof Sequence && object.items && object.kind !== "view") {
    const item = object.items.at(index);
    return item !== undefined ? item : lack(object, String(index));
  }
  if (index !== undefined && isText(object)) return characterAt(budget, object, index);
  if (!isText(key)) return lack(object, typeName(key));
  const own = ownAttribute(budget, object, charactersOf(key));
  return own !== undefined ? own : lack(object, charactersOf(key));
}

/** `object[start:stop:step]`. */
export function sliceOf(
  budget: Budget,
  object: Value,
  bounds: readonly [Value | undefined, Value | undefined, Value | undefined],
): Value {
  if (object instanceof Undefined) return fail(object.reason);
  const [start, stop, step = 1] = bounds.map((bound) => {
    if (bound === undefined || bound === null) return undefined;
    return intOf(bound) ?? fail(`a slice needs whole numbers, got a ${typeName(bound)}`);
  });
  if (step === 0) return fail("the step of a slice is 0");
  if (isText(object)) return sliceText(budget, object, start, stop, step);
  if (!(object instanceof Sequence) || !object.items || object.kind === "view") {
    return fail(`a ${typeName(object)} cannot be sliced`);
  }
  const { items } = object;
  const { first, end } = sliceRange(items.length, start, stop, step);
  budget.elements(Math.max(0, Math.ceil((end - first) / step)));
  const sliced: Value[] = [];
  for (let i = first; step > 0 ? i < end : i > end; i += step) sliced.push(items[i] ?? null);
  return new Sequence(sliced, object.kind);
}

function characterAt(budget: Budget, text: Text, index: number): Value {
  const characters = charactersOf(text);
  const position = index < 0 ? index + lengthOf(budget, characters) : index;
  const start = position < 0 ? characters.length : unitAt(budget, characters, position);
  if (start >= characters.length) return lack(text, String(index));
  return cut(budget, text, start, start + ((characters.codePointAt(start) ?? 0) > 0xffff ? 2 : 1));
}

function ownAttribute(budget: Budget, object: Value, name: string): Value | undefined {
  if (object instanceof Namespace) return object.fields.get(name);
  const method = methodOf(budget, object, name);
  if (method) return new Callable(name, method);
  if (object !== null && typeof object === "object" && "isFields" in object) return object.field(name);
  return undefined;
}

function methodOf(budget: Budget, object: Value, name: string): ((args: Args) => Value) | undefined {
  if (isText(object)) return textMethod(budget, object, name);
  if (object instanceof Dict) return dictMethod(budget, object, name);
  if (object instanceof Sequence) return listMethod(budget, object, name);
  return undefined;
}

/** Methods that change their object, which templates must not do. */
const changing = new Set(
  "append clear extend insert pop popitem remove reverse setdefault sort update".split(" "),
);

function dictMethod(budget: Budget, dict: Dict, name: string): ((args: Args) => Value) | undefined {
  switch (name) {
    case "get":
      return (args) => {
        const bound = new Bound("get", args, ["key", "default"]);
        const found = dict.get(bound.need("key"));
        return found !== undefined ? found : bound.getOr("default", null);
      };
    case "items":
      return (args) => (new Bound("items", args, []), new Sequence(pairsOf(budget, dict), "view"));
    case "keys":
      return (args) => (new Bound("keys", args, []), new Sequence(keysOf(budget, dict), "view"));
    case "values":
      return (args) => (new Bound("values", args, []), new Sequence(valuesOf(budget, dict), "view"));
    case "copy":
      return () => dict;
    case "clear":
    case "pop":
    case "popitem":
    case "setdefault":
    case "update":
      return () => fail(`a template must not change an object, which the method ${name} does`);
    default:
      return undefined;
  }
}

function listMethod(
  budget: Budget,
  { kind, items }: Sequence,
  name: string,
): ((args: Args) => Value) | undefined {
  if ((kind !== "list" && kind !== "tuple") || !items) return undefined;
  if (name === "index" || name === "count") {
    return (args) => {
      const item = new Bound(name, args, ["value"]).need("value");
      const matches = (other: Value) => equals(budget, other, item);
      if (name === "count") return items.filter(matches).length;
      const index = items.findIndex(matches);
      return index < 0 ? fail("index: the element is not in the list") : index;
    };
  }
  if (kind === "list" && changing.has(name)) {
    return () => fail(`a template must not change a list, which the method ${name} does`);
  }
  return undefined;
}

function lack(object: Value, name: string): Undefined {
  return new Undefined(`a ${typeName(object)} has no ${name}`);
}
