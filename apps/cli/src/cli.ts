import { createRequire } from "node:module";
import { stripVTControlCharacters } from "node:util";
import type { ArgsDef, CommandDef, SubCommandsDef } from "citty";
import { usage } from "./args.ts";
import type { Command } from "./command.ts";
import { codeOf, describeError, exitCode, Stop } from "./errors.ts";
import { note, print, type Host, type Output } from "./host.ts";

/** Loaded when asked for: the start-up of one command does not pay for the others. */
const commands: Readonly<Record<string, () => Promise<{ default: Command }>>> = {
  generate: () => import("./commands/generate.ts"),
  train: () => import("./commands/train.ts"),
  eval: () => import("./commands/eval.ts"),
  merge: () => import("./commands/merge.ts"),
  data: () => import("./commands/data.ts"),
  "coord-check": () => import("./commands/coord-check.ts"),
  init: () => import("./commands/init.ts"),
  convert: () => import("./commands/convert.ts"),
  inspect: () => import("./commands/inspect.ts"),
  backends: () => import("./commands/backends.ts"),
  bench: () => import("./commands/bench.ts"),
};

/** The one package.json lies above both `src` and `dist`. */
const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
const meta = { name: "mamba", version, description: "Selective state space models on this machine" };

/**
 * Runs one command line, and never throws.
 *
 * @param argv what follows the program's name
 * @returns the exit code: see `exitCode`
 */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  const [name, ...args] = argv;
  try {
    if (name === undefined) {
      host.stderr.write(await help(undefined, host.stderr));
      return exitCode.usage;
    }
    const isHelp = (arg: string) => arg === "--help" || arg === "-h";
    if (isHelp(name)) await print(host, await help(undefined, host.stdout));
    else if (name === "--version") await print(host, `${version}\n`);
    else {
      const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (!load) throw usage(`there is no command ${JSON.stringify(name)}; see mamba --help`);
      const command = (await load()).default;
      const end = args.indexOf("--");
      if (args.slice(0, end === -1 ? undefined : end).some(isHelp)) {
        await print(host, await help(command, host.stdout));
      } else await command.run(args, host);
    }
    return exitCode.ok;
  } catch (error) {
    const reason: unknown = host.signal.reason;
    const isStop = reason instanceof Stop && (error === reason || codeOf(error) === "ABORT_ERR");
    if (isStop && reason.exitCode === exitCode.outputClosed) return reason.exitCode;
    note(host, `mamba: ${describeError(isStop ? reason : error)}`);
    if (isStop) return reason.exitCode;
    if (host.env["DEBUG"]) note(host, error instanceof Error ? (error.stack ?? "") : "");
    return isUsage(error) ? exitCode.usage : exitCode.failure;
  }
}

/** `OPTIONS` is what the core says to an option that is out of its range. */
function isUsage(error: unknown): boolean {
  return codeOf(error) === "USAGE" || codeOf(error) === "OPTIONS";
}

/** Help for one command, or for all; in colour on a terminal. */
async function help(command: Command | undefined, output: Output): Promise<string> {
  const { renderUsage } = await import("citty");
  const describe = ({ meta, args }: Command): CommandDef => ({ meta, args: args as ArgsDef });
  const subCommands = Object.entries(commands).map(([name, load]) => [
    name,
    async () => describe((await load()).default),
  ]);
  const text = command
    ? await renderUsage(describe(command), { meta })
    : await renderUsage({ meta, subCommands: Object.fromEntries(subCommands) as SubCommandsDef });
  return `${output.isTTY ? text : stripVTControlCharacters(text)}\n`;
}
