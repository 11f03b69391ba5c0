import { didYouMean } from "./didYouMean.ts";
import { MambaError } from "./errors.ts";

/** A condition on the value of an option, and the same in words: "a whole number >= 1". */
export type Rule = readonly [holds: (value: unknown) => boolean, words: string];

/** One rule for each option: it holds for every value but undefined. */
export type Rules<T> = { readonly [K in keyof Required<T>]: Rule };

export const whole = (min: number): Rule => [
  (value) => Number.isSafeInteger(value) && (value as number) >= min,
  `a whole number >= ${min}`,
];
export const number = (words: string, holds: (value: number) => boolean): Rule => [
  (value) => typeof value === "number" && holds(value),
  words,
];
/** Levels of quantiles. */
export const levels: Rule = [
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every((q) => typeof q === "number" && q > 0 && q < 1),
  "numbers in (0, 1), at least one",
];
export const flag: Rule = [(value) => typeof value === "boolean", "true or false"];
export const callback: Rule = [(value) => typeof value === "function", "a function"];
export const abortSignal: Rule = [
  (value) => isObject(value) && typeof value["throwIfAborted"] === "function",
  "an AbortSignal",
];
/** An object with some functions: recognised by them, so that any copy or implementation of the type is taken. */
export const objectWith = (words: string, ...functions: readonly string[]): Rule => [
  (value) => isObject(value) && functions.every((name) => typeof value[name] === "function"),
  words,
];

/**
 * Checks an object of options. An unknown name is refused, because a misspelt option would change nothing without a word.
 *
 * @param owner the function or class, for messages
 * @throws MambaError `OPTIONS`, naming the option, its rule and the value
 */
export function checkOptions<T extends object>(owner: string, options: T, rules: Rules<T>): void {
  checkKeys(owner, "option", options, Object.keys(rules), "OPTIONS");
  for (const [name, [holds, words]] of Object.entries<Rule>(rules)) {
    const value: unknown = (options as Record<string, unknown>)[name];
    if (value === undefined || holds(value)) continue;
    throw new MambaError("OPTIONS", `${owner}: option ${name} must be ${words}, got ${describe(value)}`);
  }
}

/** @throws MambaError `code` unless `options` is an object with no other keys than `known` */
export function checkKeys(
  owner: string,
  noun: "option" | "field",
  options: object,
  known: readonly string[],
  code: "OPTIONS" | "CONFIG",
): void {
  if (!isObject(options) || Array.isArray(options)) {
    throw new MambaError(code, `${owner}: expected an object of ${noun}s, got ${describe(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known) || `; the ${noun}s are ${known.join(", ")}`;
  throw new MambaError(code, `${owner}: there is no ${noun} ${JSON.stringify(unknown)}${hint}`);
}

/** A value of any kind, for an error message. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
