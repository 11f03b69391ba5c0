import { Argument, Option } from "./commander.ts";
import { usage } from "./errors.ts";

/** The values that a number may have. */
export interface NumberRule {
  readonly min?: number;
  /** Like `min`, but the limit itself is not allowed. */
  readonly above?: number;
  readonly max?: number;
  readonly whole?: true;
}

/** An option whose value is a number: `numberOption("--lr <rate>", "Learning rate", { above: 0 })`. */
export function numberOption<const F extends string>(flags: F, description: string, rule: NumberRule = {}) {
  const option = new Option(flags, description);
  return option.argParser((text: string) => readNumber(option.name(), text, rule));
}

/** An option whose value is a count of at least one. */
export function countOption<const F extends string>(flags: F, description: string) {
  return numberOption(flags, description, { whole: true, min: 1 });
}

/** An option that takes one of a few values. With `ignoresCase` it also takes them in capitals; they are in small letters. */
export function choiceOption<const F extends string, const C extends readonly string[]>(
  flags: F,
  description: string,
  choices: C,
  { ignoresCase = false } = {},
) {
  const option = new Option(flags, description).choices(choices);
  option.argParser((value: string) =>
    readChoice(`--${option.name()}`, ignoresCase ? value.toLowerCase() : value, choices),
  );
  return option;
}

/** A positional argument that takes one of a few values. */
export function choiceArgument<const N extends string, const C extends readonly string[]>(
  name: N,
  description: string,
  choices: C,
) {
  const argument = new Argument(name, description).choices(choices);
  argument.argParser((value: string) => readChoice(`<${argument.name()}>`, value, choices));
  return argument;
}

/** An option that may be given more than once. */
export function repeatableOption<const F extends string>(flags: F, description: string) {
  const none: readonly string[] = [];
  return new Option(flags, description)
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default(none);
}

function readChoice<C extends readonly string[]>(name: string, value: string, choices: C): C[number] {
  if (choices.includes(value)) return value;
  throw usage(`${name} must be ${choices.join(", ")}, got ${JSON.stringify(value)}`);
}

/**
 * The number in the text of an option.
 *
 * @throws CliError `USAGE`, naming the option, its rule and the value
 */
export function readNumber(option: string, text: string, rule: NumberRule = {}): number {
  const { min = -Infinity, above = -Infinity, max = Infinity, whole } = rule;
  const value = text.trim() === "" ? NaN : Number(text);
  const holds = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (holds && value >= min && value > above && value <= max) return value;
  const limits = [
    ...(min > -Infinity ? [`at least ${min}`] : []),
    ...(above > -Infinity ? [`above ${above}`] : []),
    ...(max < Infinity ? [`at most ${max}`] : []),
  ];
  const kind = [whole ? "a whole number" : "a number", limits.join(" and ")].filter(Boolean).join(", ");
  throw usage(`--${option} must be ${kind}, got ${JSON.stringify(text)}`);
}
