import type { Ceilings } from "@mamba/kernel-cpu";
import type { Spread } from "../sample.ts";
import type { Timing } from "./measureCases.ts";

/** A measured case beside its ceiling. Times are in seconds. */
export interface Figure {
  readonly name: string;
  readonly weights: string;
  readonly threads: number;
  readonly seconds: Spread;
  readonly tokensPerSecond: Spread | null;
  readonly bytes: number;
  readonly flops: number;
  /** The one of the two that takes longer at the machine's ceilings, and so bounds the case. */
  readonly bound: "bytes" | "flops";
  /** The time that the ceiling allows, as a fraction of the measured time. */
  readonly ofCeiling: Spread;
  readonly poolBytes: number;
  readonly poolGrowthBytes: number;
}

/** Compares a timing with the ceilings of as many threads. */
export function toFigure(
  { item, threads, seconds, poolBytes, poolGrowthBytes }: Timing,
  ceilings: Ceilings,
): Figure {
  const { name, dtype, bytes, flops, tokens } = item;
  const width = threads === 1 ? "oneThread" : "allThreads";
  const readSeconds = bytes / ceilings.read[width];
  const computeSeconds = flops / ceilings.arithmetic[width];
  const least = Math.max(readSeconds, computeSeconds);
  const per = (value: number): Spread => ({ median: value / seconds.median, best: value / seconds.best });
  return {
    ...{ name, weights: dtype, threads, seconds, bytes, flops },
    tokensPerSecond: tokens === undefined ? null : per(tokens),
    bound: readSeconds >= computeSeconds ? "bytes" : "flops",
    ofCeiling: per(least),
    poolBytes,
    poolGrowthBytes,
  };
}
