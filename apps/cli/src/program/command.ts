import { programName } from "../manifest.ts";
import { type AnyCommand, Command } from "./commander.ts";
import { usage } from "./errors.ts";
import type { Host } from "./host.ts";

/** The default export of a file in `commands/`: makes the command for one run of the program. */
export type CommandFactory = (host: Host) => AnyCommand;

/**
 * A command with its name, description and examples.
 *
 * @param examples arguments after the program and command names
 */
export function createCommand(name: string, description: string, examples: readonly string[]) {
  const lines = examples.map((example) => `  $ ${programName} ${name} ${example}`.trimEnd());
  return new Command(name).description(description).addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

/**
 * Refuses what commander accepts silently: an option that is given twice, an option in the place of a value, and a value
 * for a switch. Mandatory options are checked last, so that a misspelled one is reported by the name that was typed.
 *
 * @returns the arguments to parse
 * @throws CliError `USAGE`
 */
export function makeStrict(command: AnyCommand, args: readonly string[]): string[] {
  const end = args.indexOf("--");
  const optionArgs = end === -1 ? args : args.slice(0, end);
  if (!optionArgs.some((arg) => arg === "--help" || arg === "-h")) checkOptions(command, optionArgs);

  const mandatory = command.options.filter((option) => option.mandatory);
  for (const option of mandatory) option.makeOptionMandatory(false);
  command.hook("preAction", () => {
    const missing = mandatory.find((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing) throw usage(`--${missing.name()} is missing`);
  });
  // An unknown option loses its value: commander then looks for names that are similar to its name alone.
  return args.map((arg, i) =>
    i < optionArgs.length && arg.startsWith("--") && !findOption(command, arg) ? splitOption(arg).name : arg,
  );
}

function findOption(command: AnyCommand, arg: string) {
  const { name } = splitOption(arg);
  return command.options.find(({ long, short }) => name === long || name === short);
}

function checkOptions(command: AnyCommand, args: readonly string[]): void {
  const seen = new Set<string>();
  for (let i = 0; i < args.length; i++) {
    const { value } = splitOption(args[i] ?? "");
    const option = findOption(command, args[i] ?? "");
    if (!option) continue; // a positional argument, or commander reports it
    const repeatable = Array.isArray(option.defaultValue);
    if (seen.has(option.name()) && !repeatable) throw usage(`--${option.name()} is given more than once`);
    seen.add(option.name());
    if (!option.required) {
      if (value !== undefined)
        throw usage(`--${option.name()} does not take a value, got ${JSON.stringify(value)}`);
    } else if (value === undefined) {
      const next = args[++i];
      if (next !== undefined && /^-[^\d.]/.test(next)) {
        const long = `--${option.name()}`;
        throw usage(`${long} needs a value, got the option ${next}; ${long}=${next} takes it as the value`);
      }
    }
  }
}

/** `--name`, `--name=value`, `-n` and `-nvalue`. */
function splitOption(arg: string): { name: string; value: string | undefined } {
  const equals = arg.startsWith("--") ? arg.indexOf("=") : -1;
  if (equals !== -1) return { name: arg.slice(0, equals), value: arg.slice(equals + 1) };
  if (/^-[^-]/.test(arg)) return { name: arg.slice(0, 2), value: arg.slice(2) || undefined };
  return { name: arg, value: undefined };
}
