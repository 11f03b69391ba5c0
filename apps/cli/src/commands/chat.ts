import { activationsOption, backendOption, threadsOption } from "../backends/openBackend.ts";
import { readVariables } from "../chat/variables.ts";
import { dtypeOption, offlineOption } from "../checkpoints/loadModel.ts";
import { checkSampling } from "../generation/sampling.ts";
import {
  adapterDescription,
  answerSeedOption,
  frequencyPenaltyOption,
  greedyDescription,
  maxAnswerTokensOption,
  minPOption,
  modelDescription,
  presencePenaltyOption,
  repetitionPenaltyOption,
  stopOption,
  temperatureOption,
  topKOption,
  topPOption,
} from "../generation/samplingOptions.ts";
import { createCommand } from "../program/command.ts";
import type { Host } from "../program/host.ts";
import { countOption, repeatableOption } from "../program/options.ts";

const examples = [
  "-m organisation/name:Q4_K_M",
  '-m my-model --system "Answer in one sentence."',
  '"Which animals are mentioned?" -m my-model --seed 1',
  "-m runs/mine < question.txt > answer.txt",
  '"Weather in Oslo?" -m my-model --tools tools.json --json',
  "-m my-model --load talk.chat --save talk.chat",
];

export default (host: Host) =>
  createCommand("chat", "Talk to a model, or answer one message", examples)
    .argument(
      "[message]",
      "Answer this message and end; - reads it from stdin, as no message does where stdin is piped",
    )
    .requiredOption("-m, --model <model>", `${modelDescription}, or an adapter or run of train`)
    .option("--adapter <folder>", adapterDescription)
    .option("--system <text>", "The system message")
    .option("--tools <file>", "JSON list of tools that the model may call; you type their results")
    .option("--template <file>", "Jinja template in place of the model's own")
    .addOption(
      repeatableOption("--variable <name=value>", "Variable of the template, such as enable_thinking=false"),
    )
    .addOption(maxAnswerTokensOption)
    .addOption(countOption("--max-length <count>", "The most tokens of the conversation (default: no limit)"))
    .addOption(temperatureOption)
    .addOption(topKOption)
    .addOption(topPOption)
    .addOption(minPOption)
    .addOption(repetitionPenaltyOption)
    .addOption(frequencyPenaltyOption)
    .addOption(presencePenaltyOption)
    .addOption(answerSeedOption)
    .option("--greedy", greedyDescription)
    .addOption(stopOption)
    .option("--load <file>", "Go on with a saved conversation, or with messages in JSON")
    .option("--save <file>", "Save the conversation at the end; as messages when the file ends in .json")
    .option("--no-history", "Do not keep the lines that you type in a file")
    .addOption(offlineOption)
    .addOption(backendOption)
    .addOption(threadsOption)
    .addOption(activationsOption)
    .addOption(dtypeOption)
    .option("--json", "Print one JSON object with the answer and its figures at the end")
    .option("--stats", "Show tokens and times of each answer on stderr")
    .action(async (message, options) => {
      checkSampling(options);
      const { temperature, topK, topP, minP, repetitionPenalty, frequencyPenalty, presencePenalty } = options;
      const { maxTokens, seed, stop, greedy } = options;
      const settings = {
        ...{ topK, topP, minP, repetitionPenalty, frequencyPenalty, presencePenalty, maxTokens, seed },
        temperature: greedy ? 0 : temperature,
        ...(stop.length > 0 && { stop }),
      };
      const { runChat } = await import("../chat/runChat.ts");
      await runChat({ ...options, message, settings, variables: readVariables(options.variable) }, host);
    });
