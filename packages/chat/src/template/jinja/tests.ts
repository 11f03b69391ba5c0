import type { Budget } from "./budget.ts";
import { fail } from "./fail.ts";
import { textOf } from "./format.ts";
import { compare, contains, equals } from "./operators.ts";
import { charactersOf, isText } from "./text.ts";
import { isLower, isUpper } from "./textMethods.ts";
import {
  Callable,
  Dict,
  Float,
  intOf,
  numberOf,
  Sequence,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** A test of Jinja: `value is test`, `value is test(argument)`. */
type Test = (budget: Budget, value: Value, argument: Value) => boolean;

const whole = (value: Value): number =>
  intOf(value) ?? fail(`a test of whole numbers got a ${typeName(value)}`);
const order =
  (holds: (sign: number) => boolean): Test =>
  (budget, value, argument) =>
    holds(compare(budget, value, argument));
const less = order((sign) => sign < 0);
const greater = order((sign) => sign > 0);
const hasLength = (value: Value) =>
  isText(value) || value instanceof Dict || value instanceof Undefined || value instanceof Sequence;

const tests = new Map<string, Test>([
  ["defined", (_, value) => !(value instanceof Undefined)],
  ["undefined", (_, value) => value instanceof Undefined],
  ["none", (_, value) => value === null],
  ["true", (_, value) => value === true],
  ["false", (_, value) => value === false],
  ["boolean", (_, value) => typeof value === "boolean"],
  ["integer", (_, value) => typeof value === "number"],
  ["float", (_, value) => value instanceof Float],
  ["number", (_, value) => numberOf(value) !== undefined],
  ["string", (_, value) => isText(value)],
  ["mapping", (_, value) => value instanceof Dict],
  ["iterable", (_, value) => hasLength(value)],
  [
    "sequence",
    (_, value) =>
      hasLength(value) && !(value instanceof Sequence && ["view", "generator"].includes(value.kind)),
  ],
  ["callable", (_, value) => value instanceof Callable || value instanceof Undefined],
  ["odd", (_, value) => Math.abs(whole(value) % 2) === 1],
  ["even", (_, value) => whole(value) % 2 === 0],
  [
    "divisibleby",
    (_, value, argument) => {
      const by = whole(argument);
      return by === 0 ? fail("division by zero") : whole(value) % by === 0;
    },
  ],
  ["lower", (budget, value) => isLower(budget, charactersOf(textOf(budget, value)))],
  ["upper", (budget, value) => isUpper(budget, charactersOf(textOf(budget, value)))],
  ["eq", equals],
  ["equalto", equals],
  ["==", equals],
  ["ne", (...values) => !equals(...values)],
  ["!=", (...values) => !equals(...values)],
  ["lt", less],
  ["lessthan", less],
  ["<", less],
  ["gt", greater],
  ["greaterthan", greater],
  [">", greater],
  ["le", order((sign) => sign <= 0)],
  ["<=", order((sign) => sign <= 0)],
  ["ge", order((sign) => sign >= 0)],
  [">=", order((sign) => sign >= 0)],
  ["in", (budget, value, argument) => contains(budget, argument, value)],
  ["sameas", (budget, value, argument) => isSame(budget, value, argument)],
]);

/** Applies a test. */
export function test(budget: Budget, name: string, value: Value, args: readonly Value[] = []): boolean {
  const found = tests.get(name) ?? fail(`there is no test ${name}`);
  if (args.length > 1) fail(`the test ${name} takes one argument`);
  budget.step();
  return found(budget, value, args[0] ?? null);
}

function isSame(budget: Budget, a: Value, b: Value): boolean {
  return a === b || (isText(a) && isText(b) && equals(budget, a, b));
}
