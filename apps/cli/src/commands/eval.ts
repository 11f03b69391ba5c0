import { activationsOption, backendOption, threadsOption } from "../backends/openBackend.ts";
import { delimiterOf, delimiterOption, missingOption } from "../arrays/options.ts";
import { arrayTasks, isArrayTask, tasks } from "../data/tasks.ts";
import { parseLengths } from "../data/parseLengths.ts";
import { evaluateModel } from "../evaluation/evaluateModel.ts";
import { dtypeOption, offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import { Option } from "../program/commander.ts";
import type { Host } from "../program/host.ts";
import { choiceArgument, choiceOption, countOption, numberOption } from "../program/options.ts";

const examples = [
  "induction -m runs/induction/model --length 64..1048576",
  "text -m my-model --data held-out.txt --length 512 --json",
  "text -m mamba-130m.Q4_0.gguf --data held-out.txt --activations f32",
  "chat -m my-model --data held-out.jsonl --length 1024",
  "series -m runs/weather/model --data weather.csv --held-out 0.2",
  "images -m runs/photos/model --data photos --json",
  "stories -m runs/stories/model --length 1024 --baseline ngram",
];

export default (host: Host) =>
  createCommand(
    "eval",
    "Metrics of a model: loss and accuracy at one length or many, errors of a forecast, scores of classes",
    examples,
  )
    .addArgument(choiceArgument("<task>", "The examples", tasks))
    .requiredOption("-m, --model <model>", "Checkpoint folder, GGUF file, or a model's name on the hub")
    .option("--adapter <folder>", "LoRA adapter (PEFT's format) to use with the model")
    .option(
      "--data <file>",
      "File of text (through the model's tokenizer), of tokens (lines of JSON arrays), of conversations, of a series (CSV), or images",
    )
    .addOption(
      new Option(
        "--length <lengths>",
        "Positions per example: 256 or 256,1000 or 64..1048576 (default: 256; chat: at most 1024)",
      ).argParser((text) => parseLengths(text, "length")),
    )
    .addOption(countOption("--tokens <count>", "Number of tokens that selective-copying copies"))
    .addOption(countOption("--pairs <count>", "Number of pairs of a key and a value in recall"))
    .addOption(countOption("--examples <count>", "Examples (default: 64, or all of a file with fewer)"))
    .addOption(countOption("--batch-size <count>", "Examples per batch").default(8))
    .addOption(countOption("--segment-length <count>", "Positions per pass").default(2048))
    .addOption(
      numberOption(
        "--seed <number>",
        "Seed of generated examples (default: 1; training uses 0), or of held-out images (default: 0)",
        { whole: true },
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
    .option("--labels <file>", "Images: the IDX file of the labels (default: that beside the images)")
    .addOption(missingOption)
    .addOption(delimiterOption)
    .addOption(
      numberOption("--held-out <fraction>", "Series, images: only what training held out (default: all)", {
        above: 0,
        max: 0.9,
      }),
    )
    .option("--template <file>", "Chat: a chat template (Jinja) to use instead of the tokenizer's")
    .option("--json", "Print JSON")
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .addOption(activationsOption)
    .addOption(dtypeOption)
    .action(async (task, options) => {
      if (isArrayTask(task)) {
        const other = (
          ["length", "tokens", "pairs", "adapter", "dtype", "baseline", "baselineData", "template"] as const
        ).find((name) => options[name] !== undefined);
        if (other !== undefined) throw usage(`${task} has no option --${other}`);
        const { evaluateArrays } = await import("../arrays/evaluateArrays.ts");
        await evaluateArrays(
          { ...options, task, seed: options.seed ?? 0, delimiter: delimiterOf(options.delimiter) },
          host,
        );
        return;
      }
      const other = (["labels", "missing", "delimiter", "heldOut"] as const).find(
        (name) => options[name] !== undefined,
      );
      if (other !== undefined)
        throw usage(`--${other === "heldOut" ? "held-out" : other} is for ${arrayTasks.join(" and ")}`);
      await evaluateModel(
        {
          ...options,
          task,
          seed: options.seed ?? 1,
          length: options.length ?? [task === "chat" ? 1024 : 256],
        },
        host,
      );
    });
