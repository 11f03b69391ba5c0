import { activationsOption, backendOption, threadsOption } from "../backends/openBackend.ts";
import { mergeArrayRecipe } from "../arrays/arrayRecipe.ts";
import { delimiterOf, delimiterOption, missingOption, sizeOption } from "../arrays/options.ts";
import { type ArrayTask, arrayTasks, isArrayTask, type Task, tasks } from "../data/tasks.ts";
import { offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { choiceArgument, choiceOption, countOption, numberOption } from "../program/options.ts";
import { bytesOption, namesOption, numbersOption } from "../program/lists.ts";
import { loraConfigOf, parseLoraTargets } from "../training/lora.ts";
import { mergeRecipe, readRecipe, type RecipeInput, taskOf } from "../training/recipe.ts";
import { checkShape, trainModel } from "../training/trainModel.ts";

const examples = [
  "induction --out runs/induction",
  "text --data book.txt --out runs/book --d-model 192 --layers 6",
  "text --data lines.txt --model my-model --lora 8 --out runs/lines",
  "text --data lines.txt --model mamba-130m.Q4_K_M.gguf --lora 8 --out runs/lines",
  "series --data weather.csv --columns temp_max,temp_min --horizon 7 --out runs/weather",
  "images --data photos --image-size 32x32 --out runs/photos",
  "chat --data messages.jsonl --model my-model --out runs/mine",
  "chat --data messages.jsonl --tokenizer my-tokenizer --d-model 192 --layers 6 --out runs/new",
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
      "File of text (bytes, or through a tokenizer), of tokens (lines of JSON arrays), of conversations (JSON lines, Parquet), of a series (CSV), or images",
    )
    .option("--tokenizer <folder>", "Folder with the tokenizer.json of a new model of text or chat")
    .option("-m, --model <model>", "Train this checkpoint or GGUF file further (default: a new model)")
    .addOption(
      countOption(
        "--lora <rank>",
        "Train a LoRA adapter of this rank for --model, and not its weights (chat: 16)",
      ),
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
      "Names of linear layers (default: in_proj, x_proj, out_proj, and q_proj, k_proj, v_proj, o_proj of attention)",
      parseLoraTargets,
    )
    .option("--full", "Chat: train all weights of --model, and not an adapter")
    .option("--resume", "Continue the run in the folder")
    .addOption(countOption("--steps <count>", "Optimizer steps"))
    .addOption(numberOption("--epochs <count>", "Passes over the data, instead of --steps", { above: 0 }))
    .addOption(countOption("--length <count>", "Positions per example"))
    .addOption(countOption("--tokens <count>", "Number of tokens that selective-copying copies"))
    .addOption(countOption("--pairs <count>", "Number of pairs of a key and a value in recall"))
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
    .addOption(namesOption("--columns <list>", "Series: the columns that the model reads"))
    .addOption(namesOption("--targets <list>", "Series: the columns that it forecasts (default: all)"))
    .addOption(countOption("--horizon <rows>", "Series: the rows that it forecasts"))
    .addOption(countOption("--context <rows>", "Series: the rows that it reads (default: 56)"))
    .addOption(countOption("--stride <rows>", "Series: rows from one example to the next (default: 1)"))
    .addOption(numbersOption("--levels <list>", "Series: forecast these quantiles, such as 0.1,0.5,0.9"))
    .addOption(
      choiceOption("--loss <name>", "Series: the loss without --levels (default: squaredError)", [
        "squaredError",
        "huber",
      ]),
    )
    .option("--relative", "Series: forecast the change since the last row that the model reads")
    .addOption(missingOption)
    .addOption(delimiterOption)
    .option("--labels <file>", "Images: the IDX file of the labels (default: that beside the images)")
    .addOption(sizeOption)
    .addOption(
      choiceOption("--channels <count>", "Images: 1 for grey, 3 for colour (default: that of the data)", [
        "1",
        "3",
      ]),
    )
    .addOption(countOption("--patch-size <pixels>", "Images: side of a patch (default: 4)"))
    .addOption(
      numberOption("--shift <pixels>", "Images: move them at random by up to this (default: 0)", {
        whole: true,
        min: 0,
      }),
    )
    .addOption(
      numberOption(
        "--held-out <fraction>",
        "Held out of a series (the end; default: 0.2), images (0.1) or conversations (0.05)",
        {
          min: 0,
          max: 0.9,
        },
      ),
    )
    .option("--template <file>", "Chat: a chat template (Jinja) to use instead of the tokenizer's")
    .option("--skip-damaged", "Chat: leave out conversations that cannot be used, and count them")
    .addOption(
      countOption("--patience <count>", "End after so many evaluations without a better one (default: 8)"),
    )
    .addOption(choiceOption("--weights <type>", "Storage of the large matrices", ["f32", "f16", "bf16"]))
    .option("--recompute", "Keep less in memory, and compute each layer again in the backward pass")
    .addOption(bytesOption("--memory-limit <bytes>", "Refuse a step that needs more, such as 2GB"))
    .addOption(
      countOption(
        "--eval-every <steps>",
        "Steps between evaluations on held-out examples (series, images: a 20th; chat: a 10th)",
      ),
    )
    .option(
      "--eval-data <file>",
      "Held-out text, tokens or conversations; generated tasks use the next seed instead",
    )
    .addOption(
      countOption(
        "--eval-examples <count>",
        "Held-out examples (default: 64 of a file or task, all of series and images)",
      ),
    )
    .addOption(countOption("--save-every <steps>", "Steps between saved states").default(100))
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .addOption(activationsOption)
    .action(async (task, options) => {
      const given = recipeOf(task, options);
      const file = await readRecipe(options.config);
      const named = taskOf(file, given);
      if (isArrayTask(named)) {
        checkArrayOptions(named, options);
        const { trainArrays } = await import("../arrays/trainArrays.ts");
        const { evalEvery: evaluateEvery, evalExamples: heldOutExamples, patience } = options;
        const training = { ...given.training, evaluateEvery, heldOutExamples, patience };
        await trainArrays(mergeArrayRecipe(named, file, { ...given, training }), options, host);
        return;
      }
      if (options.patience !== undefined) throw usage(`--patience is for ${arrayTasks.join(" and ")}`);
      checkShape(options.model, file, given);
      const lora = loraConfigOf(named, options);
      const kind = options.model === undefined ? "new" : lora ? "adapter" : "checkpoint";
      await trainModel(mergeRecipe(named, file, given, kind), { ...options, lora }, host);
    });

type Options = Readonly<Record<string, unknown>>;

/** The options as fields of a recipe. */
function recipeOf(task: Task | undefined, options: Options): RecipeInput {
  const size = options["imageSize"] as { readonly height: number; readonly width: number } | undefined;
  const channels = options["channels"] as string | undefined;
  const take = (...names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, options[name]]));
  return {
    task,
    seed: options["seed"] as number | undefined,
    data: {
      path: options["data"],
      ...take("length", "tokens", "pairs", "vocabSize"),
      ...take("columns", "targets", "context", "horizon", "stride", "levels", "loss", "missing", "heldOut"),
      ...take("relative", "template", "skipDamaged"),
      delimiter: delimiterOf(options["delimiter"] as Parameters<typeof delimiterOf>[0]),
      ...take("labels", "shift"),
      ...size,
      channels: channels && Number(channels),
    },
    model: { dModel: options["dModel"], nLayers: options["layers"], patchSize: options["patchSize"] },
    training: {
      ...take("steps", "epochs", "batchSize", "accumulation", "segmentLength", "lr", "schedule"),
      ...take("warmupSteps", "weightDecay", "weights", "recompute"),
    },
  };
}

/** Options of language models alone. */
const languageOptions = [
  ...["tokenizer", "model", "lora", "loraAlpha", "loraTargets", "full", "evalData"],
  ...["epochs", "template", "skipDamaged"],
];

/** @throws CliError `USAGE` for an option that a task of arrays does not have */
function checkArrayOptions(task: ArrayTask, options: Options): void {
  const other = languageOptions.find((name) => options[name] !== undefined);
  if (other === undefined) return;
  const flag = other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const remedy = other === "evalData" ? `; ${task} holds out its own examples: see --held-out` : "";
  throw usage(`${task} has no option --${flag}${remedy}`);
}
