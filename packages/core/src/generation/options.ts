import {
  abortSignal,
  callback,
  checkOptions,
  number,
  objectWith,
  type Rule,
  type Rules,
  whole,
} from "../checkOptions.ts";
import { MambaError } from "../errors.ts";
import { isTokenId } from "./checkIds.ts";
import type { CheckpointOptions } from "./checkpoints.ts";
import { seedRule } from "./seed.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A sequence at the moment at which its next token is chosen. */
export interface TokenContext {
  /** All ids so far, input and generated ones. */
  readonly ids: readonly number[];
  /** Tokens that this generation gave so far. */
  readonly count: number;
}

/** The ids that may be chosen next: by name, or bit `id % 32` of word `id >> 5` of a mask of ceil(V / 32) words. */
export type AllowedIds = { readonly ids: Iterable<number> } | { readonly mask: Int32Array };

/**
 * How the tokens of a sequence are picked, and when it ends. The order is that of the op `sample`: `processLogits`, the
 * penalties and biases, `allow`, then temperature, topK, topP, minP.
 */
export interface SequenceOptions {
  /** Tokens, at most. 0 reads the prompt only. Default 128. */
  readonly maxTokens?: number | undefined;
  /** Divides the logits; 0 takes the most probable token (greedy). Default 1. */
  readonly temperature?: number | undefined;
  /** Keep the k most probable tokens. Default: all. */
  readonly topK?: number | undefined;
  /** Keep the smallest set of most probable tokens with this mass, in (0, 1]. Default 1 (Holtzman et al. 2020). */
  readonly topP?: number | undefined;
  /** Keep tokens at least this fraction as probable as the first, in [0, 1]. Default 0 (Nguyen et al. 2024). */
  readonly minP?: number | undefined;
  /** Above 1 discourages ids of the prompt and of the text so far. Default 1, off (Keskar et al. 2019). */
  readonly repetitionPenalty?: number | undefined;
  /** Subtracted from the logit of a generated id, once for each time it was generated. Default 0. */
  readonly frequencyPenalty?: number | undefined;
  /** Subtracted from the logit of each id that was generated. Default 0. */
  readonly presencePenalty?: number | undefined;
  /** Added to the logits, by id: `{ 50256: -100 }`. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined;
  /**
   * The ids that may be chosen, such as those that a grammar allows: for all tokens, or a function that is called for each.
   * Undefined from the function allows all.
   */
  readonly allow?: AllowedIds | ((context: TokenContext) => AllowedIds | undefined) | undefined;
  /** Sees the model's logits [V] before anything else, and may change them in place. They are read to the host for it. */
  readonly processLogits?: ((logits: Float32Array, context: TokenContext) => void) | undefined;
  /** Log-probabilities of each token, and of the k most probable ones: k, at least 0. Default: none. */
  readonly logProbs?: number | undefined;
  /** Equal seeds give equal texts on equal logits. Default: a random seed, or that of a given state. */
  readonly seed?: number | undefined;
  /** The text ends before the first of these strings; needs a tokenizer. */
  readonly stop?: readonly string[] | undefined;
  /** The text ends with the first of these ids. Default: the tokenizer's `stopIds`. */
  readonly stopIds?: readonly number[] | undefined;
  /** For prompts in text, `text` in the result, and stop strings. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Special tokens are part of `text`: all of them, or these ids. Default false. */
  readonly specialTokens?: boolean | readonly number[] | undefined;
  /** Keep copies of the state for `GenerationState.truncate`. Default: none. */
  readonly checkpoints?: CheckpointOptions | undefined;
  /** Ends the sequence between two tokens or two chunks of its prompt. */
  readonly signal?: AbortSignal | undefined;
}

/** How a prompt is read. */
export interface PrefillOptions {
  /**
   * Positions per pass of the model over prompts: memory grows with it, and up to a point speed. From 64 on it is rounded down to a
   * multiple of 64. Default 512.
   */
  readonly chunkLength?: number | undefined;
  /**
   * The most positions of a sequence: one that would read one more ends with the error `LENGTH`. It also bounds the memory of models
   * whose state grows, see `stateBytes`. Default: no bound but the memory.
   */
  readonly maxLength?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each chunk with the positions of all prompts that are done, and their number. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Keep copies of the state for `GenerationState.truncate`. Default: none. */
  readonly checkpoints?: CheckpointOptions | undefined;
}

/** Options of `generate`. With several prompts they hold for each; prompt i has the seed `seed + i`. */
export interface GenerateOptions extends SequenceOptions, PrefillOptions {}

const listOf = (words: string, holds: (item: unknown) => boolean): Rule => [
  (value) => Array.isArray(value) && value.every(holds),
  words,
];
const isPlainObject = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const penalty = number("a finite number", Number.isFinite);

const prefillRules: Rules<PrefillOptions> = {
  chunkLength: whole(1),
  maxLength: whole(1),
  signal: abortSignal,
  onProgress: callback,
  checkpoints: [isPlainObject, "an object"],
};

const sequenceRules: Rules<SequenceOptions> = {
  maxTokens: whole(0),
  temperature: number("a number >= 0", (value) => value >= 0 && value < Infinity),
  topK: whole(1),
  topP: number("a number above 0 and at most 1", (value) => value > 0 && value <= 1),
  minP: number("a number from 0 to 1", (value) => value >= 0 && value <= 1),
  repetitionPenalty: number("a number above 0", (value) => value > 0 && value < Infinity),
  frequencyPenalty: penalty,
  presencePenalty: penalty,
  logitBias: [isPlainObject, "an object from ids to numbers"],
  allow: [(value) => typeof value === "function" || isPlainObject(value), "a function, { ids } or { mask }"],
  processLogits: callback,
  logProbs: whole(0),
  seed: seedRule,
  stop: listOf("an array of strings that are not empty", (item) => typeof item === "string" && item !== ""),
  stopIds: listOf("an array of whole numbers", Number.isSafeInteger),
  tokenizer: objectWith("a Tokenizer", "encode", "decode", "decoder"),
  specialTokens: [
    (value) => typeof value === "boolean" || (Array.isArray(value) && value.every(Number.isSafeInteger)),
    "true, false, or an array of whole numbers",
  ],
  checkpoints: prefillRules.checkpoints,
  signal: abortSignal,
};

const checkpointRules: Rules<CheckpointOptions> = {
  everyTokens: whole(1),
  at: listOf("an array of whole numbers >= 1", (item) => Number.isSafeInteger(item) && Number(item) >= 1),
  keep: whole(1),
};

/** @throws MambaError `OPTIONS`, naming the option, its rule and the value */
export function checkSequenceOptions(owner: string, options: SequenceOptions, vocabSize: number): void {
  checkOptions(owner, options, sequenceRules);
  checkValues(owner, options, vocabSize);
}

/**
 * Checks options of `generate`, as `generate` does.
 *
 * @param owner the function or class, for messages
 * @throws MambaError `OPTIONS`, naming the option, its rule and the value
 */
export function checkGenerateOptions(owner: string, options: GenerateOptions, vocabSize: number): void {
  checkOptions<GenerateOptions>(owner, options, { ...sequenceRules, ...prefillRules });
  checkValues(owner, options, vocabSize);
}

/** @throws MambaError `OPTIONS`, naming the option, its rule and the value */
export function checkPrefillOptions(options: PrefillOptions): void {
  checkOptions("prefill", options, prefillRules);
  if (options.checkpoints) checkOptions("prefill: checkpoints", options.checkpoints, checkpointRules);
}

/** The rules that a type or a single value cannot tell. */
function checkValues(owner: string, options: SequenceOptions, vocabSize: number): void {
  const { stop = [], tokenizer, logitBias = {}, logProbs = 0, checkpoints } = options;
  const fail = (message: string): never => {
    throw new MambaError("OPTIONS", `${owner}: option ${message}`);
  };
  if (stop.length > 0 && !tokenizer) fail("stop needs option tokenizer");
  if (logProbs > Math.min(vocabSize, maxLogProbs)) {
    fail(`logProbs must be at most ${Math.min(vocabSize, maxLogProbs)}, got ${logProbs}`);
  }
  for (const [id, value] of Object.entries(logitBias)) {
    if (!isTokenId(Number(id), vocabSize))
      fail(`logitBias must name ids from 0 to ${vocabSize - 1}, got ${id}`);
    if (!Number.isFinite(value)) fail(`logitBias of id ${id} must be a finite number, got ${String(value)}`);
  }
  if (checkpoints) checkOptions(`${owner}: checkpoints`, checkpoints, checkpointRules);
}

/** The most that the op `sample` gives. */
const maxLogProbs = 1024;
