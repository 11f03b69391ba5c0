import { createColors } from "picocolors";
import { programName, version } from "./manifest.ts";
import { type CommandFactory, makeStrict } from "./program/command.ts";
import { type AnyCommand, Command, CommanderError } from "./program/commander.ts";
import { hasColors } from "./program/colors.ts";
import { codeOf, describeError, exitCode, Stop, usage } from "./program/errors.ts";
import { note, type Host } from "./program/host.ts";

/** A command is loaded when it is needed, so that the start-up of one does not pay for the others. */
const commands: Readonly<Record<string, () => Promise<{ default: CommandFactory }>>> = {
  chat: () => import("./commands/chat.ts"),
  generate: () => import("./commands/generate.ts"),
  train: () => import("./commands/train.ts"),
  eval: () => import("./commands/eval.ts"),
  predict: () => import("./commands/predict.ts"),
  merge: () => import("./commands/merge.ts"),
  data: () => import("./commands/data.ts"),
  "coord-check": () => import("./commands/coordCheck.ts"),
  pull: () => import("./commands/pull.ts"),
  list: () => import("./commands/list.ts"),
  rm: () => import("./commands/rm.ts"),
  init: () => import("./commands/init.ts"),
  convert: () => import("./commands/convert.ts"),
  quantize: () => import("./commands/quantize.ts"),
  inspect: () => import("./commands/inspect.ts"),
  backends: () => import("./commands/backends.ts"),
  bench: () => import("./commands/bench.ts"),
  completion: () => import("./commands/completion.ts"),
};

/**
 * Runs one command line, and never throws.
 *
 * @param argv the arguments after the program's name
 * @returns the exit code: see `exitCode`
 */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  try {
    const { program, args } = await createProgram(argv, host);
    await program.parseAsync(args, { from: "user" });
    return exitCode.ok;
  } catch (error) {
    return report(error, host);
  }
}

/**
 * The program with the command that is named, or with all of them for help, for completion, and for the search of a misspelled
 * one.
 */
async function createProgram(
  argv: readonly string[],
  host: Host,
): Promise<{ program: AnyCommand; args: readonly string[] }> {
  const [name = "", ...rest] = argv;
  const program = new Command(programName)
    .description("Selective state space models on this machine")
    .version(version, "-v, --version", "Show the version")
    .helpOption("-h, --help", "Show help")
    .helpCommand("help [command]", "Show help of a command")
    .enablePositionalOptions()
    .exitOverride();
  configureOutput(program, host);
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const add = async (loading: (typeof commands)[string]): Promise<AnyCommand> => {
    const command = (await loading()).default(host);
    program.addCommand(command.copyInheritedSettings(program));
    return command;
  };
  if (load && name !== "completion") return { program, args: [name, ...makeStrict(await add(load), rest)] };
  if (name !== "--version" && name !== "-v")
    for (const loading of Object.values(commands)) await add(loading);
  // commander shows the general help for a command that it does not know; as a command it is reported.
  const [named] = rest;
  const unknown = name === "help" && named !== undefined && !Object.hasOwn(commands, named);
  return { program, args: unknown ? rest : argv };
}

/** Help goes to the host's streams, with bold titles on a terminal; errors are reported by `report`. */
function configureOutput(program: AnyCommand, host: Host): void {
  const { stdout, stderr } = host;
  const { bold } = createColors(true); // removed again where the stream is not a terminal
  program.configureHelp({ styleTitle: bold, styleCommandText: bold }).configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    outputError: () => undefined,
    getOutHasColors: () => hasColors(host, "stdout"),
    getErrHasColors: () => hasColors(host, "stderr"),
  });
}

/** Tells people how the command ended, and gives the exit code. */
function report(error: unknown, host: Host): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCode.ok; // help or the version was asked for
    if (error.code === "commander.help") return exitCode.usage; // there was no command: the help is on stderr
    note(host, `${programName}: ${describeError(usage(explain(error)))}`);
    return exitCode.usage;
  }
  const reason: unknown = host.signal.reason;
  const isStop = reason instanceof Stop && (error === reason || codeOf(error) === "ABORT_ERR");
  if (isStop && reason.exitCode === exitCode.outputClosed) return reason.exitCode;
  note(host, `${programName}: ${describeError(isStop ? reason : error)}`);
  if (isStop) return reason.exitCode;
  if (host.env["DEBUG"]) note(host, error instanceof Error ? (error.stack ?? "") : "");
  // `OPTIONS` is the code of the core for an option that is out of its range.
  return ["USAGE", "OPTIONS"].includes(codeOf(error) ?? "") ? exitCode.usage : exitCode.failure;
}

/** commander's message in one line, with a remedy. */
function explain({ code, message }: InstanceType<typeof CommanderError>): string {
  const line = message.replace(/^error: /, "").replaceAll("\n", " ");
  if (code === "commander.excessArguments") return `${line} Text that holds spaces needs quotes.`;
  if (code === "commander.unknownCommand") return `${line}; see ${programName} --help`;
  return line;
}
