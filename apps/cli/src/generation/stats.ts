import { formatBytes, formatRate, formatSeconds } from "@mamba/display";
import type { Kernel } from "@mamba/kernel";

type Phase = "load" | "prefill" | "decode";

/** Figures of one generation. Times are in seconds, memory in bytes. */
export interface GenerationStats {
  /** From the start of the command until the model is ready. Includes opening the backend. */
  readonly loadSeconds: number;
  readonly prefillTokens: number;
  /** From there to the first token. */
  readonly prefillSeconds: number;
  readonly prefillTokensPerSecond: number;
  /** Tokens after the first. */
  readonly decodeTokens: number;
  readonly decodeSeconds: number;
  /** Null when there was only one token. */
  readonly decodeTokensPerSecond: number | null;
  /** Live tensors of the kernel at the end: weights and state. */
  readonly kernelBytes: number;
  /** Largest resident size of the process so far. */
  readonly peakBytes: number;
}

/** Measures the phases of a generation. */
export class Stopwatch {
  readonly #start = performance.now();
  readonly #ends = new Map<Phase, number>();

  /** Notes the end of a phase. */
  mark(phase: Phase): void {
    this.#ends.set(phase, performance.now());
  }

  stats(counts: { prefilled: number; generated: number; kernel: Kernel }): GenerationStats {
    const { prefilled, generated, kernel } = counts;
    const loaded = this.#ends.get("load") ?? this.#start;
    const first = this.#ends.get("prefill") ?? this.#ends.get("decode") ?? loaded;
    const end = this.#ends.get("decode") ?? first;
    const decodeTokens = Math.max(generated - 1, 0);
    const prefillSeconds = (first - loaded) / 1000;
    const decodeSeconds = (end - first) / 1000;
    return {
      loadSeconds: (loaded - this.#start) / 1000,
      prefillTokens: prefilled,
      prefillSeconds,
      prefillTokensPerSecond: prefilled / prefillSeconds,
      decodeTokens,
      decodeSeconds,
      decodeTokensPerSecond: decodeTokens > 0 ? decodeTokens / decodeSeconds : null,
      kernelBytes: kernel.memory().bytes,
      peakBytes: process.resourceUsage().maxRSS * 1024,
    };
  }
}

export function describeStats(stats: GenerationStats): string {
  const rate = (tokens: number, seconds: number, perSecond: number | null) =>
    `${tokens} tokens in ${formatSeconds(seconds)}${perSecond === null ? "" : `, ${formatRate(perSecond)} tokens/s`}`;
  return [
    `load     ${formatSeconds(stats.loadSeconds)}`,
    `prefill  ${rate(stats.prefillTokens, stats.prefillSeconds, stats.prefillTokensPerSecond)}`,
    `decode   ${rate(stats.decodeTokens, stats.decodeSeconds, stats.decodeTokensPerSecond)}`,
    `memory   ${formatBytes(stats.kernelBytes)} in the kernel, ${formatBytes(stats.peakBytes)} in the process at its peak`,
  ].join("\n");
}
