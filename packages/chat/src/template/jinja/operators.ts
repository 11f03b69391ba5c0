import type { Budget } from "./budget.ts";
import { fail } from "./fail.ts";
import { compareTexts, textOf } from "./format.ts";
import { includes } from "./search.ts";
import { charactersOf, concat, isText, type Text, TextBuilder } from "./text.ts";
import {
  Dict,
  Float,
  intOf,
  Namespace,
  numberOf,
  Sequence,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** Applies an operator of two operands, but `and` and `or`. */
export function operate(budget: Budget, operator: string, left: Value, right: Value): Value {
  switch (operator) {
    case "==":
      return equals(budget, left, right);
    case "!=":
      return !equals(budget, left, right);
    case "in":
      return contains(budget, right, left);
    case "not in":
      return !contains(budget, right, left);
    case "~":
      return concat(budget, textOf(budget, left), textOf(budget, right));
  }
  checkDefined(left);
  checkDefined(right);
  switch (operator) {
    case "<":
      return compare(budget, left, right, operator) < 0;
    case ">":
      return compare(budget, left, right, operator) > 0;
    case "<=":
      return compare(budget, left, right, operator) <= 0;
    case ">=":
      return compare(budget, left, right, operator) >= 0;
    default:
      return calculate(budget, operator, left, right);
  }
}

function checkDefined(value: Value): void {
  if (value instanceof Undefined) fail(value.reason);
}

function calculate(budget: Budget, operator: string, left: Value, right: Value): Value {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    return arithmetic(operator, a, b, left instanceof Float || right instanceof Float);
  }
  if (operator === "+") {
    if (isText(left) && isText(right)) return concat(budget, left, right);
    if (left instanceof Sequence && right instanceof Sequence && left.kind === right.kind) {
      const [first, second] = [left.items, right.items];
      if (first && second && left.kind !== "view") {
        budget.elements(first.length + second.length);
        return new Sequence([...first, ...second], left.kind);
      }
    }
  }
  if (operator === "*") {
    const [times, other] = a === undefined ? [intOf(right), left] : [intOf(left), right];
    if (times !== undefined && isText(other)) return repeat(budget, other, times);
    if (times !== undefined && other instanceof Sequence && other.items) {
      return repeatItems(budget, other, other.items, times);
    }
  }
  if (operator === "%" && isText(left)) {
    return formatText(
      budget,
      left,
      right instanceof Sequence && right.kind === "tuple" ? right.take() : [right],
    );
  }
  return fail(`${operator} cannot be applied to a ${typeName(left)} and a ${typeName(right)}`);
}

function arithmetic(operator: string, a: number, b: number, isFloat: boolean): Value {
  if (b === 0 && (operator === "/" || operator === "//" || operator === "%")) return fail("division by zero");
  switch (operator) {
    case "+":
      return numberValue(a + b, isFloat);
    case "-":
      return numberValue(a - b, isFloat);
    case "*":
      return numberValue(a * b, isFloat);
    case "/":
      return new Float(a / b);
    case "//":
      return numberValue(Math.floor(a / b), isFloat);
    case "%":
      return numberValue(a - b * Math.floor(a / b), isFloat);
    case "**":
      return numberValue(a ** b, isFloat || b < 0);
    default:
      return fail(`the operator ${operator} is not known`);
  }
}

export function numberValue(value: number, isFloat: boolean): Value {
  if (isFloat) return new Float(value);
  if (!Number.isSafeInteger(value)) return fail("a whole number is beyond 2^53");
  return value === 0 ? 0 : value;
}

function repeat(budget: Budget, text: Text, times: number): Text {
  const { length } = charactersOf(text);
  if (times <= 0 || length === 0) return "";
  budget.text(length * times, 0);
  if (typeof text === "string") {
    budget.text(length * times);
    return text.repeat(times);
  }
  const builder = new TextBuilder(budget);
  for (let i = 0; i < times; i++) builder.add(text);
  return builder.finish();
}

function repeatItems(budget: Budget, value: Sequence, items: readonly Value[], times: number): Value {
  if (times <= 0 || items.length === 0) return new Sequence([], value.kind);
  budget.elements(items.length * times);
  const repeated: Value[] = [];
  for (let i = 0; i < times; i++) for (const item of items) repeated.push(item);
  return new Sequence(repeated, value.kind);
}

/** Python's `text % values`, for `%s`, `%d`, `%r` and `%%`. */
export function formatText(budget: Budget, text: Text, values: readonly Value[]): Text {
  const characters = charactersOf(text);
  const builder = new TextBuilder(budget);
  budget.read(characters.length);
  let [end, used] = [0, 0];
  for (let at = characters.indexOf("%"); at >= 0; at = characters.indexOf("%", end)) {
    builder.add(text, end, at);
    end = at + 2;
    const kind = characters.charAt(at + 1);
    if (kind === "%") builder.add("%");
    else if (kind === "s" || kind === "d" || kind === "i") {
      const value = values[used++];
      if (value === undefined) return fail("a format has more places than values");
      const number = numberOf(value);
      if (kind === "s") builder.add(textOf(budget, value));
      else if (number === undefined) fail(`%${kind} needs a number`);
      else builder.add(String(Math.trunc(number)));
    } else fail(`the format %${kind} is not supported`);
  }
  if (used < values.length) fail("a format has fewer places than values");
  return builder.add(text, end).finish();
}

export function equals(budget: Budget, a: Value, b: Value): boolean {
  budget.step();
  if (isText(a) && isText(b)) {
    const [x, y] = [charactersOf(a), charactersOf(b)];
    if (x.length !== y.length) return false;
    budget.read(x.length);
    return x === y;
  }
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x === y;
  if (a instanceof Undefined && b instanceof Undefined) return true;
  if (a === b) return true;
  budget.enter();
  const result =
    a instanceof Sequence && b instanceof Sequence
      ? equalSequences(budget, a, b)
      : a instanceof Dict && b instanceof Dict && equalDicts(budget, a, b);
  budget.leave();
  return result;
}

function equalSequences(budget: Budget, a: Sequence, b: Sequence): boolean {
  const [x, y] = [a.items, b.items];
  if (a.kind !== b.kind || !x || !y || x.length !== y.length) return false;
  return x.every((item, i) => equals(budget, item, y[i] ?? null));
}

function equalDicts(budget: Budget, a: Dict, b: Dict): boolean {
  if (a.entries.size !== b.entries.size) return false;
  for (const [key, [, value]] of a.entries) {
    const other = b.entries.get(key);
    if (!other || !equals(budget, value, other[1])) return false;
  }
  return true;
}

/** Negative where `a` comes before `b`. Values without an order are refused. */
export function compare(budget: Budget, a: Value, b: Value, operator = "<"): number {
  budget.step();
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : x === y ? 0 : NaN;
  if (isText(a) && isText(b)) {
    const [left, right] = [charactersOf(a), charactersOf(b)];
    budget.read(Math.min(left.length, right.length));
    return compareTexts(left, right);
  }
  if (a instanceof Sequence && b instanceof Sequence && a.kind === b.kind && a.items && b.items) {
    return compareItems(budget, a.items, b.items, operator);
  }
  return fail(`${operator} cannot be applied to a ${typeName(a)} and a ${typeName(b)}`);
}

function compareItems(budget: Budget, a: readonly Value[], b: readonly Value[], operator: string): number {
  budget.enter();
  const length = Math.min(a.length, b.length);
  let result = a.length - b.length;
  for (let i = 0; i < length; i++) {
    const [x = null, y = null] = [a[i], b[i]];
    if (equals(budget, x, y)) continue;
    result = compare(budget, x, y, operator);
    break;
  }
  budget.leave();
  return result;
}

/** Python's `item in container`. */
export function contains(budget: Budget, container: Value, item: Value): boolean {
  if (isText(container)) {
    if (!isText(item)) return fail(`in: a text cannot hold a ${typeName(item)}`);
    return includes(budget, charactersOf(container), charactersOf(item));
  }
  if (container instanceof Undefined) return false;
  if (container instanceof Dict) return container.get(item) !== undefined;
  if (container instanceof Sequence) {
    return container.take().some((element) => equals(budget, element, item));
  }
  if (container instanceof Namespace) return fail("in: a namespace holds no elements");
  return fail(`in: a ${typeName(container)} holds no elements`);
}
