import { formatBytes, formatRate, formatSeconds, table } from "@mamba/display";
import type { Ceilings } from "@mamba/kernel-cpu";
import type { Spread } from "../sample.ts";
import type { CpuBenchmark } from "./benchmarkCpu.ts";
import type { Figure } from "./figure.ts";

/** The result as text, with a table of the cases. */
export function describeCpuBenchmark(result: CpuBenchmark): string {
  const { machine, ceilings, figures, startup, longPrefill, peakBytes } = result;
  const { cpu, threads, node, platform } = machine;
  const paragraphs = [
    `${cpu}, ${threads} threads, Node ${node}, ${platform}\n${machine.backend}`,
    describeCeilings(ceilings, threads),
  ];
  if (figures.length > 0) paragraphs.push(describeFigures(figures));
  if (startup) {
    const { median, best } = startup.firstToken;
    paragraphs.push(
      `start-up to the first token of the tiny model: ${formatSeconds(median)}, best ${formatSeconds(best)}`,
    );
  }
  if (longPrefill) {
    const { tokens, seconds, tokensPerSecond, bytesAboveWeights, poolGrowthBytes } = longPrefill;
    paragraphs.push(
      `mamba-130m prefill of ${tokens} tokens in chunks of 512: ${formatSeconds(seconds)}, ` +
        `${formatRate(tokensPerSecond)} tokens/s, ${formatBytes(bytesAboveWeights)} above the weights ` +
        `(${formatBytes(poolGrowthBytes)} of it in the kernel)`,
    );
  }
  paragraphs.push(`peak memory of the process: ${formatBytes(peakBytes)}`);
  return paragraphs.join("\n\n");
}

function describeCeilings({ read, arithmetic }: Ceilings, threads: number): string {
  const giga = (value: number, unit: string) => `${(value / 1e9).toFixed(1)} ${unit}`;
  const line = (name: string, { oneThread, allThreads }: Ceilings["read"], unit: string) => [
    name,
    giga(oneThread, unit),
    ...(threads > 1 ? [giga(allThreads, unit)] : []),
  ];
  const rows = [
    ["ceilings", "1 thread", ...(threads > 1 ? [`${threads} threads`] : [])],
    line("streamed read", read, "GB/s"),
    line("multiply-add", arithmetic, "GFLOP/s"),
  ];
  return table(rows, [1, 2]);
}

function describeFigures(figures: readonly Figure[]): string {
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
    // The ops share their kernels, so a kernel's memory says nothing about one of them.
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
