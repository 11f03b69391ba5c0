import { createCommand } from "../program/command.ts";
import { print, type Host } from "../program/host.ts";
import { choiceArgument, countOption, numberOption } from "../program/options.ts";

export default (host: Host) =>
  createCommand("data", "Print a corpus that models are trained on, as text", [
    "stories --count 100 --seed 1",
  ])
    .addArgument(
      choiceArgument("<corpus>", "stories: one per line, as `train stories` reads them", ["stories"]),
    )
    .addOption(countOption("--count <count>", "Number of examples").default(10))
    .addOption(
      numberOption("--first <index>", "Index of the first example", { whole: true, min: 0 }).default(0),
    )
    .addOption(
      numberOption("--seed <number>", "Seed of the generator; training uses 0, eval 1", {
        whole: true,
      }).default(0),
    )
    .action(async (_corpus, { count, first, seed }) => {
      const { story, storyEnd } = await import("@mamba/tasks");
      for (let index = first; index < first + count; index++) {
        host.signal.throwIfAborted();
        await print(host, story(seed, index) + String.fromCharCode(storyEnd));
      }
    });
