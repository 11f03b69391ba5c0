import { countOption, numberOption, repeatableOption } from "../program/options.ts";

// Options of every command that generates text.

export const temperatureOption = numberOption(
  "--temperature <number>",
  "Divides the logits; 0 takes the most probable token (default: 1)",
  { min: 0 },
);
export const topKOption = countOption("--top-k <count>", "Keep the k most probable tokens");
export const topPOption = numberOption(
  "--top-p <number>",
  "Keep the smallest set of tokens with this probability mass",
  { above: 0, max: 1 },
);
export const minPOption = numberOption(
  "--min-p <number>",
  "Keep tokens at least this fraction as probable as the first",
  { min: 0, max: 1 },
);
export const repetitionPenaltyOption = numberOption(
  "--repetition-penalty <number>",
  "Above 1 discourages tokens of the text so far (default: 1)",
  { above: 0 },
);
export const frequencyPenaltyOption = numberOption(
  "--frequency-penalty <number>",
  "Lowers a token each time it was generated (default: 0)",
);
export const presencePenaltyOption = numberOption(
  "--presence-penalty <number>",
  "Lowers every token that was generated (default: 0)",
);
export const greedyDescription = "Always take the most probable token";
export const stopOption = repeatableOption(
  "--stop <text>",
  "End before this text; may be given more than once",
);
export const adapterDescription = "LoRA adapter (PEFT's format) to use with the model";
export const modelDescription =
  "Checkpoint folder, GGUF file, or a model on the hub (organisation/name, organisation/name:Q4_K_M)";

export const maxAnswerTokensOption = countOption(
  "--max-tokens <count>",
  "The most tokens of an answer (default: 1024)",
);
export const answerSeedOption = numberOption(
  "--seed <number>",
  "Equal seeds and messages give equal answers (default: random)",
  { whole: true },
);
