import type { AnswerOptions } from "@mamba/chat";
import { didYouMean } from "@mamba/core";
import {
  answerSeedOption,
  frequencyPenaltyOption,
  maxAnswerTokensOption,
  minPOption,
  presencePenaltyOption,
  repetitionPenaltyOption,
  temperatureOption,
  topKOption,
  topPOption,
} from "../generation/samplingOptions.ts";
import { usage } from "../program/errors.ts";

/** How answers are picked; `AnswerOptions` that are numbers, and the stop texts. */
export type AnswerSettings = Pick<
  AnswerOptions,
  | "temperature"
  | "topK"
  | "topP"
  | "minP"
  | "repetitionPenalty"
  | "frequencyPenalty"
  | "presencePenalty"
  | "maxTokens"
  | "seed"
  | "stop"
>;

/** The options that `/set` changes, by their names without dashes at the beginning. */
const settable = new Map(
  [
    temperatureOption,
    topKOption,
    topPOption,
    minPOption,
    repetitionPenaltyOption,
    frequencyPenaltyOption,
    presencePenaltyOption,
    maxAnswerTokensOption,
    answerSeedOption,
  ].map((option) => [option.name(), option]),
);

export const settingNames: readonly string[] = [...settable.keys()];

/** The names of settings and their values, "default" where none is set. */
export function describeSettings(settings: AnswerSettings): [string, string][] {
  const values = settings as Readonly<Record<string, unknown>>;
  return [...settable].map(([name, option]) => [name, show(values[option.attributeName()])]);
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : "default";
}

/**
 * The settings with one of them changed.
 *
 * @param text its name and its value: `temperature 0.7`, `top-k=40`; the value "default" unsets it
 * @throws CliError `USAGE`
 */
export function withSetting(settings: AnswerSettings, text: string): AnswerSettings {
  const [, given = "", value = ""] = /^(\S+?)(?:\s*=\s*|\s+)(.+)$/s.exec(text.trim()) ?? [];
  if (given === "") throw usage("/set takes a name and a value, such as /set temperature 0.7");
  const name = given.replace(/^--/, "").replaceAll("_", "-");
  const option = settable.get(name);
  if (option === undefined)
    throw usage(`there is no setting ${JSON.stringify(name)}${didYouMean(name, settingNames)}`);
  const read: unknown = option.parseArg;
  const parsed = value.trim() === "default" ? undefined : (read as (text: string) => number)(value);
  return { ...settings, [option.attributeName()]: parsed };
}
