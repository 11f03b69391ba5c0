import type { GenerateOptions } from "@mamba/core";
import { usage } from "../program/errors.ts";

/** Options that choose the tokens, and the end of the text. */
export interface SamplingOptions {
  readonly maxTokens: number;
  readonly temperature?: number | undefined;
  readonly topK?: number | undefined;
  readonly topP?: number | undefined;
  readonly minP?: number | undefined;
  readonly repetitionPenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly logProbs?: number | undefined;
  /** Default: a random one. */
  readonly seed?: number | undefined;
  readonly greedy?: true | undefined;
  readonly stop: readonly string[];
  readonly chunk: number;
}

/** @throws CliError `USAGE` when options contradict each other, or a stop text is empty */
export function checkSampling({
  greedy,
  temperature,
  topK,
  topP,
  minP,
  stop,
}: Partial<SamplingOptions>): void {
  if (greedy) {
    const filters = { temperature, "top-k": topK, "top-p": topP, "min-p": minP };
    const given = Object.entries(filters).find(([, value]) => value !== undefined);
    if (given)
      throw usage(`--greedy takes the most probable token, so --${given[0]} has no effect; leave one out`);
  }
  if (stop?.includes("")) throw usage("--stop must not be empty");
}

/** @throws CliError `USAGE` when options contradict each other */
export function samplingOf({ greedy, chunk, ...options }: SamplingOptions): GenerateOptions {
  const { maxTokens, temperature, topK, topP, minP, seed, stop, logProbs } = options;
  const { repetitionPenalty, frequencyPenalty, presencePenalty } = options;
  checkSampling({ ...options, greedy });
  return {
    ...{ maxTokens, topK, topP, minP, repetitionPenalty, frequencyPenalty, presencePenalty },
    ...{ seed, stop, logProbs, chunkLength: chunk },
    temperature: greedy ? 0 : temperature,
  };
}
