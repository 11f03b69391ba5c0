import type { AnyCommand } from "./commander.ts";

export const shells = ["bash", "zsh", "fish"] as const;

/** A script that completes the commands of a program, their options, and the values of options with choices. */
export function completionScript(
  shell: (typeof shells)[number],
  program: string,
  commands: readonly AnyCommand[],
): string {
  if (shell === "fish") return fishScript(program, commands);
  const load = shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  return load + bashScript(program, commands);
}

/** For bash, and for zsh with its emulation of bash's completion. Other words complete as names of files. */
function bashScript(program: string, commands: readonly AnyCommand[]): string {
  const cases = commands.flatMap((command) => [
    ...command.options.flatMap(({ long, argChoices }) =>
      long && argChoices ? [`    "${command.name()} ${long}") words="${argChoices.join(" ")}" ;;`] : [],
    ),
    `    "${command.name()} "*) words="${wordsOf(command).join(" ")}" ;;`,
  ]);
  return `_${program}() {
  local words="${commands.map((command) => command.name()).join(" ")}"
  [ "$COMP_CWORD" -gt 1 ] && case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${cases.join("\n")}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${program} ${program}
`;
}

/** The options of a command, and the values of its arguments that have choices. */
function wordsOf(command: AnyCommand): string[] {
  const options = command.options.flatMap(({ long }) => (long ? [long] : []));
  return [...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices), ...options, "--help"];
}

function fishScript(program: string, commands: readonly AnyCommand[]): string {
  const quote = (text: string) => `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
  const line = (condition: string, rest: string) => `complete -c ${program} -n ${quote(condition)} ${rest}\n`;
  const lines = commands.flatMap((command) => {
    const name = command.name();
    const within = `__fish_seen_subcommand_from ${name}`;
    const values = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
    return [
      line("__fish_use_subcommand", `-f -a ${name} -d ${quote(command.description())}`),
      ...(values.length > 0 ? [line(within, `-a ${quote(values.join(" "))}`)] : []),
      ...command.options.map(({ long = "", description, required, argChoices }) => {
        const value = argChoices ? `-x -a ${quote(argChoices.join(" "))} ` : required ? "-r " : "";
        return line(within, `-l ${long.slice(2)} ${value}-d ${quote(description)}`);
      }),
    ];
  });
  return lines.join("");
}
