import type { GenerateOptions } from "@mamba/core";
import { readNumber, usage, type Values } from "./args.ts";

/** Flags that decide which tokens come next, and when the text ends. */
export const samplingFlags = {
  "max-tokens": { type: "string", default: "128", description: "Tokens to generate, at most" },
  temperature: { type: "string", description: "Divides the logits; default 1" },
  "top-k": { type: "string", description: "Keep the k most probable tokens" },
  "top-p": { type: "string", description: "Keep the smallest set of tokens with this probability mass" },
  "min-p": { type: "string", description: "Keep tokens at least this fraction as probable as the first" },
  "repetition-penalty": {
    type: "string",
    description: "Above 1 discourages what was said before; default 1",
  },
  seed: { type: "string", default: "0", description: "Equal seeds give equal texts" },
  greedy: { type: "boolean", description: "Always take the most probable token" },
  stop: {
    type: "string",
    multiple: true,
    valueHint: "text",
    description: "End before this text; may be given more than once",
  },
  chunk: {
    type: "string",
    default: "512",
    description: "Positions of the prompt per pass: memory grows with it",
  },
} as const;

/** @throws CliError `USAGE` */
export function readSampling(values: Values<typeof samplingFlags>): GenerateOptions {
  if (values.greedy) {
    const other = (["temperature", "top-k", "top-p", "min-p"] as const).find(
      (flag) => values[flag] !== undefined,
    );
    if (other !== undefined) throw usage(`--greedy leaves nothing for --${other} to do`);
  }
  if (values.stop.includes("")) throw usage("--stop must not be empty");
  const temperature = readNumber("temperature", values.temperature, { min: 0 });
  return {
    maxTokens: readNumber("max-tokens", values["max-tokens"], { whole: true, min: 1 }),
    temperature: values.greedy ? 0 : temperature,
    topK: readNumber("top-k", values["top-k"], { whole: true, min: 1 }),
    topP: readNumber("top-p", values["top-p"], { above: 0, max: 1 }),
    minP: readNumber("min-p", values["min-p"], { min: 0, max: 1 }),
    repetitionPenalty: readNumber("repetition-penalty", values["repetition-penalty"], { above: 0 }),
    seed: readNumber("seed", values.seed, { whole: true }),
    stop: values.stop,
    chunkLength: readNumber("chunk", values.chunk, { whole: true, min: 1 }),
  };
}
