import { formatRate, formatSeconds } from "@mamba/display";
import type { TimedAnswer } from "./printAnswer.ts";

/** Tokens per second after the first token; null when there are too few to tell. */
export function tokensPerSecond({ end, answerSeconds }: TimedAnswer): number | null {
  const count = end.usage.answerTokens - 1;
  return count > 0 && answerSeconds > 0 ? count / answerSeconds : null;
}

/** `answer 57 tokens, 34.2 tokens/s; prompt 812 tokens, 790 cached, 22 read; first token after 61.0 ms` */
export function describeStats(answer: TimedAnswer): string {
  const { answerTokens, promptTokens, cachedTokens, readTokens } = answer.end.usage;
  const rate = tokensPerSecond(answer);
  return [
    `answer ${answerTokens} tokens${rate === null ? "" : `, ${formatRate(rate)} tokens/s`}`,
    `prompt ${promptTokens} tokens, ${cachedTokens} cached, ${readTokens} read`,
    `first token after ${formatSeconds(answer.waitSeconds)}`,
  ].join("; ");
}
