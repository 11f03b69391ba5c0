import { backendOption, threadsOption } from "../backends/openBackend.ts";
import { tasks } from "../data/openSource.ts";
import { parseLengths } from "../data/parseLengths.ts";
import { evaluateModel } from "../evaluation/evaluateModel.ts";
import { offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { Option } from "../program/commander.ts";
import type { Host } from "../program/host.ts";
import { choiceArgument, choiceOption, countOption, numberOption } from "../program/options.ts";

const examples = [
  "induction -m runs/induction/model --length 64..1048576",
  "text -m my-model --data held-out.txt --length 512 --json",
  "stories -m runs/stories/model --length 1024 --baseline ngram",
];

export default (host: Host) =>
  createCommand(
    "eval",
    "Loss, perplexity and accuracy of a model, at one length or many, in constant memory",
    examples,
  )
    .addArgument(choiceArgument("<task>", "The examples", tasks))
    .requiredOption("-m, --model <folder>", "Checkpoint folder, or a model's name on the hub")
    .option("--adapter <folder>", "LoRA adapter (PEFT's format) to use with the model")
    .option(
      "--data <file>",
      "File of text (through the model's tokenizer) or of tokens (lines of JSON arrays)",
    )
    .addOption(
      new Option(
        "--length <lengths>",
        "Positions per example: 256 or 256,1000 or 64..1048576 (default: 256)",
      ).argParser((text) => parseLengths(text, "length")),
    )
    .addOption(countOption("--tokens <count>", "Number of tokens that selective-copying copies"))
    .addOption(countOption("--examples <count>", "Examples (default: 64, or all of a file with fewer)"))
    .addOption(countOption("--batch-size <count>", "Examples per batch").default(8))
    .addOption(countOption("--segment-length <count>", "Positions per pass").default(2048))
    .addOption(
      numberOption("--seed <number>", "Seed of generated examples; training uses 0", { whole: true }).default(
        1,
      ),
    )
    .addOption(
      choiceOption(
        "--baseline <kind>",
        "Evaluate this beside the model: n-gram counts (Kneser-Ney smoothing)",
        ["ngram"],
      ),
    )
    .addOption(
      numberOption("--baseline-order <count>", "Tokens of an n-gram (default: 6)", {
        whole: true,
        min: 1,
        max: 16,
      }),
    )
    .option("--baseline-data <file>", "The training file, which the baseline counts")
    .addOption(
      countOption(
        "--baseline-examples <count>",
        "Training examples that the baseline counts (default: 4096, or all of a file)",
      ),
    )
    .addOption(
      numberOption("--baseline-seed <number>", "Seed of generated examples that the baseline counts", {
        whole: true,
      }).default(0),
    )
    .option("--json", "Print JSON")
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .action((task, options) => evaluateModel({ task, ...options, length: options.length ?? [256] }, host));
