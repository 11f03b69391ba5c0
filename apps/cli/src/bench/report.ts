import type { Ceilings } from "@mamba/kernel-cpu";
import { formatBytes, formatRate, formatSeconds, table } from "../format.ts";
import type { Spread, Timing } from "./measure.ts";

/** A case with its ceiling: what `bench --json` prints. Times are in seconds. */
export interface Figure {
  readonly name: string;
  readonly weights: string;
  readonly threads: number;
  readonly seconds: Spread;
  readonly tokensPerSecond: Spread | null;
  readonly bytes: number;
  readonly flops: number;
  /** Which of the two takes longer at the machine's ceilings, and so bounds the case. */
  readonly bound: "bytes" | "flops";
  /** The time that the ceiling allows, as a fraction of the time taken. */
  readonly ofCeiling: Spread;
  readonly poolBytes: number;
  readonly poolGrowthBytes: number;
}

/** Sets a timing against the ceilings of as many threads. */
export function toFigure(
  { spec, threads, seconds, poolBytes, poolGrowthBytes }: Timing,
  ceilings: Ceilings,
): Figure {
  const { name, dtype, bytes, flops, tokens } = spec;
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

export function describeCeilings({ read, arithmetic }: Ceilings, threads: number): string {
  const giga = (value: number, unit: string) => `${(value / 1e9).toFixed(1)} ${unit}`;
  const line = (name: string, { oneThread, allThreads }: Ceilings["read"], unit: string) => [
    name,
    giga(oneThread, unit),
    ...(threads > 1 ? [giga(allThreads, unit)] : []),
  ];
  return table(
    [
      ["ceilings", "1 thread", ...(threads > 1 ? [`${threads} threads`] : [])],
      line("streamed read", read, "GB/s"),
      line("multiply-add", arithmetic, "GFLOP/s"),
    ],
    [1, 2],
  );
}

export function describeFigures(figures: readonly Figure[]): string {
  const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
  const both = (values: Spread | null, format: (value: number) => string) =>
    values === null ? ["", ""] : [format(values.median), format(values.best)];
  const rows = figures.map((figure) => [
    figure.name,
    figure.weights,
    String(figure.threads),
    ...both(figure.seconds, formatSeconds),
    ...both(figure.tokensPerSecond, formatRate),
    ...both(figure.ofCeiling, percent),
    figure.bound,
    // The ops share their kernels with each other: what those hold says nothing about one of them.
    ...(figure.tokensPerSecond === null
      ? ["", ""]
      : [formatBytes(figure.poolBytes), formatBytes(figure.poolGrowthBytes)]),
  ]);
  const header = [
    ...["case", "weights", "threads", "median", "best", "tokens/s", "best"],
    ...["of ceiling", "best", "bound", "memory", "growth"],
  ];
  return table([header, ...rows], [2, 3, 4, 5, 6, 7, 8, 10, 11]);
}
