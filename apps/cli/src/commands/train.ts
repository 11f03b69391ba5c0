import { backendOption, threadsOption } from "../backends/openBackend.ts";
import { tasks } from "../data/openSource.ts";
import { offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import type { Host } from "../program/host.ts";
import { choiceArgument, choiceOption, countOption, numberOption } from "../program/options.ts";
import { loraConfigOf, parseLoraTargets } from "../training/lora.ts";
import { trainModel } from "../training/trainModel.ts";

const examples = [
  "induction --out runs/induction",
  "text --data book.txt --out runs/book --d-model 192 --layers 6",
  "text --data lines.txt --model my-model --lora 8 --out runs/lines",
  "--config recipe.json --out runs/mine --resume",
];

export default (host: Host) =>
  createCommand(
    "train",
    "Train a model, from scratch or from a checkpoint; a run that was stopped can be resumed",
    examples,
  )
    .addArgument(choiceArgument("[task]", "The examples; may be in the config file instead", tasks))
    .requiredOption("--out <folder>", "Folder of the state, the log and the trained model")
    .option("--config <file>", "JSON with task, data, model, training and seed")
    .option(
      "--data <file>",
      "File of text (bytes, or through a tokenizer) or of tokens (lines of JSON arrays)",
    )
    .option("--tokenizer <folder>", "Folder with the tokenizer.json of a new model of text")
    .option("--model <folder>", "Train this checkpoint further (default: a new model)")
    .addOption(
      countOption("--lora <rank>", "Train a LoRA adapter of this rank for --model, and not its weights"),
    )
    .addOption(
      numberOption(
        "--lora-alpha <alpha>",
        "The adapter is scaled by alpha / rank (default: twice the rank)",
        {
          min: Number.MIN_VALUE,
        },
      ),
    )
    .option(
      "--lora-targets <list>",
      "Of in_proj, x_proj, dt_proj, out_proj (default: in_proj,x_proj,out_proj)",
      parseLoraTargets,
    )
    .option("--resume", "Continue the run in the folder")
    .addOption(countOption("--steps <count>", "Optimizer steps"))
    .addOption(countOption("--length <count>", "Positions per example"))
    .addOption(countOption("--tokens <count>", "Number of tokens that selective-copying copies"))
    .addOption(
      countOption("--vocab-size <count>", "Vocabulary of the data; needed by tokens for a new model"),
    )
    .addOption(countOption("--batch-size <count>", "Examples per batch"))
    .addOption(countOption("--accumulation <count>", "Batches per step"))
    .addOption(countOption("--segment-length <count>", "Truncate backpropagation to this many positions"))
    .addOption(numberOption("--lr <rate>", "Largest learning rate", { min: 0 }))
    .addOption(
      choiceOption("--schedule <name>", "How the learning rate falls", ["constant", "linear", "cosine"]),
    )
    .addOption(
      numberOption("--warmup-steps <count>", "Steps in which the learning rate rises", {
        whole: true,
        min: 0,
      }),
    )
    .addOption(numberOption("--weight-decay <rate>", "Weight decay of matrices", { min: 0 }))
    .addOption(countOption("--d-model <count>", "Width of a new model"))
    .addOption(countOption("--layers <count>", "Layers of a new model"))
    .addOption(
      numberOption("--seed <number>", "Seed of weights, data and order (default: 0)", {
        whole: true,
        min: -(2 ** 31),
      }),
    )
    .addOption(countOption("--eval-every <steps>", "Steps between evaluations on held-out examples"))
    .option("--eval-data <file>", "Held-out text or tokens; generated tasks use the next seed instead")
    .addOption(
      countOption("--eval-examples <count>", "Held-out examples (default: 64, or all of a file with fewer)"),
    )
    .addOption(countOption("--save-every <steps>", "Steps between saved states").default(100))
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .action(async (task, options) => {
      const { data, length, tokens, vocabSize, dModel, layers, seed } = options;
      const { steps, batchSize, accumulation, segmentLength, lr, schedule, warmupSteps, weightDecay } =
        options;
      const recipe = {
        ...{
          task,
          seed,
          data: { path: data, length, tokens, vocabSize },
          model: { dModel, nLayers: layers },
        },
        training: { steps, batchSize, accumulation, segmentLength, lr, schedule, warmupSteps, weightDecay },
      };
      await trainModel({ ...options, recipe, lora: loraConfigOf(options) }, host);
    });
