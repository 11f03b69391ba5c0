import { parseArgs } from "node:util";
import { CliError } from "./errors.ts";

/** A flag or positional argument, in the words of citty, which renders the help. */
export interface Flag {
  readonly type: "boolean" | "string" | "enum" | "positional";
  readonly description: string;
  /** One letter. */
  readonly alias?: string;
  readonly valueHint?: string;
  readonly default?: string;
  readonly required?: boolean;
  /** The values of an enum. */
  readonly options?: readonly string[];
  /** Collects every occurrence. */
  readonly multiple?: true;
}
export type Flags = Readonly<Record<string, Flag>>;

/** What `readArgs` gives for each flag. */
export type Values<F extends Flags> = { readonly [K in keyof F]: Value<F[K]> };
type Value<F extends Flag> = F extends { type: "boolean" }
  ? boolean
  : F extends { multiple: true }
    ? readonly string[]
    : Text<F> | (F extends { required: true } | { default: string } ? never : undefined);
type Text<F extends Flag> = F extends { options: readonly (infer O extends string)[] } ? O : string;

/**
 * Parses arguments strictly. Not with citty, whose parser takes unknown flags, forgotten values and repeated flags
 * without a word.
 *
 * @throws CliError `USAGE`
 */
export function readArgs<const F extends Flags>(args: readonly string[], flags: F): Values<F> {
  const named = Object.entries(flags).filter(([, flag]) => flag.type !== "positional");
  const { values, positionals, tokens } = parseStrictly(args, named);

  const counts = new Map<string, number>();
  for (const token of tokens) {
    if (token.kind === "option") counts.set(token.name, (counts.get(token.name) ?? 0) + 1);
  }
  const result: Record<string, unknown> = {};
  for (const [name, flag] of named) {
    const value = values[name];
    if ((counts.get(name) ?? 0) > 1 && !flag.multiple) throw usage(`--${name} is given more than once`);
    if (flag.type === "enum" && value !== undefined && !flag.options?.includes(String(value))) {
      throw usage(`--${name} must be ${flag.options?.join(", ") ?? ""}, got ${JSON.stringify(value)}`);
    }
    if (flag.required && value === undefined) throw usage(`--${name} is missing`);
    result[name] = value ?? (flag.type === "boolean" ? false : flag.multiple ? [] : flag.default);
  }
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.type !== "positional") continue;
    const value = positionals.shift();
    if (flag.required && value === undefined) throw usage(`the argument <${name}> is missing`);
    result[name] = value;
  }
  const [extra] = positionals;
  if (extra !== undefined) {
    throw usage(`unexpected argument ${JSON.stringify(extra)} (text that holds spaces needs quotes)`);
  }
  return result as Values<F>;
}

function parseStrictly(args: readonly string[], named: readonly (readonly [string, Flag])[]) {
  const options = Object.fromEntries(
    named.map(([name, { type, alias, multiple }]) => [
      name,
      {
        type: type === "boolean" ? ("boolean" as const) : ("string" as const),
        ...(alias && { short: alias }),
        ...(multiple && { multiple }),
      },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw usage((error instanceof Error ? error.message : String(error)).replaceAll("\n", " "));
  }
}

/** The range of a numeric flag. */
export interface NumberRule {
  readonly min?: number;
  /** Like `min`, but the limit itself is not allowed. */
  readonly above?: number;
  readonly max?: number;
  readonly whole?: true;
}

/**
 * The number that a flag was given.
 *
 * @throws CliError `USAGE`, naming the flag, its rule and the value.
 */
export function readNumber(flag: string, text: string, rule?: NumberRule): number;
export function readNumber(flag: string, text: string | undefined, rule?: NumberRule): number | undefined;
export function readNumber(
  flag: string,
  text: string | undefined,
  rule: NumberRule = {},
): number | undefined {
  if (text === undefined) return undefined;
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
  throw usage(`--${flag} must be ${kind}, got ${JSON.stringify(text)}`);
}

export function usage(message: string): CliError {
  return new CliError("USAGE", message);
}
