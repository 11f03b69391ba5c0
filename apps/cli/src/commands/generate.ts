import { activationsOption, backendOption, threadsOption } from "../backends/openBackend.ts";
import { generateText } from "../generation/generateText.ts";
import { parseIds, readPrompt } from "../generation/prompt.ts";
import { samplingOf } from "../generation/sampling.ts";
import {
  adapterDescription,
  frequencyPenaltyOption,
  greedyDescription,
  minPOption,
  modelDescription,
  presencePenaltyOption,
  repetitionPenaltyOption,
  stopOption,
  temperatureOption,
  topKOption,
  topPOption,
} from "../generation/samplingOptions.ts";
import { dtypeOption, offlineOption } from "../checkpoints/loadModel.ts";
import { createCommand } from "../program/command.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import { countOption, numberOption } from "../program/options.ts";

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
    .requiredOption("-m, --model <model>", modelDescription)
    .option("--adapter <folder>", adapterDescription)
    .option("--prompt-ids <ids>", "Raw token ids instead of a text: 5,17,3", parseIds)
    .addOption(countOption("--max-tokens <count>", "The most tokens to generate").default(128))
    .addOption(temperatureOption)
    .addOption(topKOption)
    .addOption(topPOption)
    .addOption(minPOption)
    .addOption(repetitionPenaltyOption)
    .addOption(frequencyPenaltyOption)
    .addOption(presencePenaltyOption)
    .addOption(
      numberOption("--seed <number>", "Equal seeds give equal texts (default: random, and printed)", {
        whole: true,
      }),
    )
    .option("--greedy", greedyDescription)
    .addOption(stopOption)
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
