import { MambaError } from "../errors.ts";
import type { PrefillOptions } from "./prefill.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** How `generate` picks tokens, and when rows end. The filters apply in the order temperature, topK, topP, minP. */
export interface GenerateOptions extends PrefillOptions {
  /** Tokens per row, at most. Default 128. */
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
  /** Equal seeds give equal texts on equal logits. Default 0. */
  readonly seed?: number | undefined;
  /** A row ends before the first of these strings; needs a tokenizer. */
  readonly stop?: readonly string[] | undefined;
  /** A row ends with the first of these ids. Default: the tokenizer's `stopIds`. */
  readonly stopIds?: readonly number[] | undefined;
  /** For prompts in text, `text` in the result, and stop strings. */
  readonly tokenizer?: Tokenizer | undefined;
}

/** @throws MambaError `OPTIONS`, naming the option, its rule and the value. */
export function checkGenerateOptions(options: GenerateOptions): void {
  const rule = (name: keyof GenerateOptions, holds: (value: number) => boolean, text: string) => {
    const value = options[name];
    if (value === undefined || (typeof value === "number" && holds(value))) return;
    throw new MambaError(
      "OPTIONS",
      `option ${name} must be ${text}, got ${typeof value === "number" ? value : typeof value}`,
    );
  };
  const whole = (min: number) => (value: number) => Number.isSafeInteger(value) && value >= min;
  rule("maxTokens", whole(1), "a whole number >= 1");
  rule("temperature", (value) => value >= 0 && value < Infinity, "a number >= 0");
  rule("topK", whole(1), "a whole number >= 1");
  rule("topP", (value) => value > 0 && value <= 1, "a number above 0 and at most 1");
  rule("minP", (value) => value >= 0 && value <= 1, "a number from 0 to 1");
  rule("repetitionPenalty", (value) => value > 0 && value < Infinity, "a number above 0");
  rule("seed", Number.isSafeInteger, "a whole number");
  const { stop = [], tokenizer } = options;
  if (stop.length > 0 && !tokenizer) throw new MambaError("OPTIONS", "option stop needs option tokenizer");
  if (stop.includes("")) throw new MambaError("OPTIONS", "option stop must not hold an empty string");
}
