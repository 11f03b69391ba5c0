import { createCommand } from "../program/command.ts";
import { print, type Host } from "../program/host.ts";
import { choiceArgument, countOption, numberOption } from "../program/options.ts";

const corpora = ["stories", "conversations", "instructions"] as const;

export default (host: Host) =>
  createCommand(
    "data",
    "Print a corpus that models are trained on: stories as text, the others as JSON lines",
    ["stories --count 100 --seed 1", "conversations --count 1000 > messages.jsonl"],
  )
    .addArgument(
      choiceArgument(
        "<corpus>",
        "stories: one per line, as `train stories` reads them; conversations: made-up chats, as `train chat` reads them; instructions: chats with made-up commands",
        corpora,
      ),
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
    .action(async (corpus, { count, first, seed }) => {
      const lineOf = await lines(corpus);
      // Some thousand short lines in one write.
      for (let index = first; index < first + count; index += 256) {
        host.signal.throwIfAborted();
        const end = Math.min(index + 256, first + count);
        await print(host, Array.from({ length: end - index }, (_, i) => lineOf(seed, index + i)).join(""));
      }
    });

/** The function that gives a line of a corpus. */
async function lines(corpus: (typeof corpora)[number]): Promise<(seed: number, index: number) => string> {
  const tasks = await import("@mamba/tasks");
  switch (corpus) {
    case "stories":
      return (seed, index) => tasks.story(seed, index) + String.fromCharCode(tasks.storyEnd);
    case "conversations":
      return (seed, index) => `${JSON.stringify(tasks.conversation(seed, index))}\n`;
    case "instructions":
      return (seed, index) => `${JSON.stringify(tasks.instructionChat(seed, index))}\n`;
  }
}
