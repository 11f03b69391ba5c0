import { activationsOption, backendOption, threadsOption } from "../backends/openBackend.ts";
import { generateText } from "../generation/generateText.ts";
import { parseIds, readPrompt } from "../generation/prompt.ts";
import { samplingOf } from "../generation/sampling.ts";
import { dtypeOption, offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { countOption, numberOption, repeatableOption } from "../program/options.ts";

const examples = [
  '"Once upon a time" -m state-spaces/mamba-130m-hf --seed 1 --stats',
  "-m my-model --greedy --max-tokens 64 < prompt.txt",
  '"Hello" -m mamba-130m.Q4_K_M.gguf --activations f32',
  '"Hello" -m my-model --save-state turn.bin',
  '" and then" -m my-model --load-state turn.bin --json',
];

export default (host: Host) =>
  createCommand("generate", "Continue a text", examples)
    .argument("[prompt]", "The text to continue; - or no prompt reads stdin")
    .requiredOption(
      "-m, --model <model>",
      "Checkpoint folder, GGUF file, or a model on the hub (organisation/name, organisation/name:Q4_K_M)",
    )
    .option("--adapter <folder>", "LoRA adapter (PEFT's format) to use with the model")
    .option("--prompt-ids <ids>", "Raw token ids instead of a text: 5,17,3", parseIds)
    .addOption(countOption("--max-tokens <count>", "The most tokens to generate").default(128))
    .addOption(numberOption("--temperature <number>", "Divides the logits (default: 1)", { min: 0 }))
    .addOption(countOption("--top-k <count>", "Keep the k most probable tokens"))
    .addOption(
      numberOption("--top-p <number>", "Keep the smallest set of tokens with this probability mass", {
        above: 0,
        max: 1,
      }),
    )
    .addOption(
      numberOption("--min-p <number>", "Keep tokens at least this fraction as probable as the first", {
        min: 0,
        max: 1,
      }),
    )
    .addOption(
      numberOption(
        "--repetition-penalty <number>",
        "Above 1 discourages tokens of the text so far (default: 1)",
        {
          above: 0,
        },
      ),
    )
    .addOption(
      numberOption("--frequency-penalty <number>", "Lowers a token each time it was generated (default: 0)"),
    )
    .addOption(
      numberOption("--presence-penalty <number>", "Lowers every token that was generated (default: 0)"),
    )
    .addOption(
      numberOption("--seed <number>", "Equal seeds give equal texts (default: random, and printed)", {
        whole: true,
      }),
    )
    .option("--greedy", "Always take the most probable token")
    .addOption(repeatableOption("--stop <text>", "End before this text; may be given more than once"))
    .addOption(
      countOption("--chunk <count>", "Positions of the prompt per pass; memory grows with it").default(512),
    )
    .option("--load-state <file>", "Continue a saved state; the prompt is appended")
    .option("--save-state <file>", "Save the state at the end of the text")
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .addOption(activationsOption)
    .addOption(dtypeOption)
    .option("--json", "Print one JSON object with ids, text, seed and figures at the end")
    .addOption(
      numberOption("--log-probs <count>", "With --json: log-probabilities of the tokens and the first few", {
        whole: true,
        min: 0,
      }),
    )
    .option("--stats", "Show times, rates and memory on stderr")
    .action(async (text, options) => {
      if (options.logProbs !== undefined && !options.json) throw usage("--log-probs needs --json");
      const sampling = samplingOf(options);
      const prompt = await readPrompt(text, options.promptIds, options.loadState !== undefined, host);
      await generateText({ ...options, prompt, sampling }, host);
    });
