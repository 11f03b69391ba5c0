import { didYouMean } from "@mamba/core";
import { RunError, type RunErrorCode } from "./errors.ts";

/** A condition on the value of a field, and the same in words: "a string". */
export type Rule = readonly [holds: (value: unknown) => boolean, words: string];

/** One rule for each field: it holds for every value but undefined. */
export type Rules<T> = { readonly [K in keyof Required<T>]: Rule };

export const text: Rule = [(value) => typeof value === "string", "a string"];
export const flag: Rule = [(value) => typeof value === "boolean", "true or false"];
export const index: Rule = [
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  "a whole number >= 0",
];
export const callback: Rule = [(value) => typeof value === "function", "a function"];
export const bytes: Rule = [(value) => value instanceof Uint8Array, "a Uint8Array"];
export const abortSignal: Rule = [
  (value) => isObject(value) && typeof value["throwIfAborted"] === "function",
  "an AbortSignal",
];
export const object: Rule = [isObject, "an object"];
export const oneOf = (values: readonly unknown[]): Rule => [
  (value) => values.includes(value),
  values.map((value) => JSON.stringify(value)).join(" or "),
];

/** True for an object that is no array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Checks the fields of an object. An unknown field is refused, because a misspelt one would change nothing without a word.
 *
 * @param required fields that must be there
 * @throws RunError `code`, naming the field and its rule
 */
export function checkFields<T extends object>(
  owner: string,
  value: unknown,
  rules: Rules<T>,
  { code, required = [] }: { readonly code: RunErrorCode; readonly required?: readonly (keyof T & string)[] },
): asserts value is T {
  const fail = (message: string): never => {
    throw new RunError(code, `${owner}: ${message}`);
  };
  if (!isObject(value)) return fail(`expected an object, got ${describe(value)}`);
  const known = Object.keys(rules);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    fail(
      `there is no field ${JSON.stringify(unknown)}${didYouMean(unknown, known) || `; there are ${known.join(", ")}`}`,
    );
  }
  for (const [name, [holds, words]] of Object.entries<Rule>(rules)) {
    const field = value[name];
    if (field === undefined ? required.includes(name as keyof T & string) : !holds(field))
      fail(`${name} must be ${words}, got ${describe(field)}`);
  }
}

/** A value of any kind, for an error message. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "symbol" ? "a symbol" : String(value);
}
