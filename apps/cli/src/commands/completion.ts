import { programName } from "../manifest.ts";
import { completionScript, shells } from "../program/completionScript.ts";
import { createCommand } from "../program/command.ts";
import { print, type Host } from "../program/host.ts";
import { choiceArgument } from "../program/options.ts";

export default (host: Host) =>
  createCommand("completion", "Print a script that completes commands and options in a shell", [
    "bash >> ~/.bashrc",
    "zsh >> ~/.zshrc",
    `fish > ~/.config/fish/completions/${programName}.fish`,
  ])
    .addArgument(choiceArgument("<shell>", "The shell", shells))
    .action((shell, _options, command) => {
      const { parent } = command;
      if (!parent) throw new Error("completion is a command of the program");
      return print(host, completionScript(shell, parent.name(), parent.commands));
    });
