import { cpus } from "node:os";
import { createCpuKernel, type Ceilings } from "@mamba/kernel-cpu";
import { type BenchmarkHost, nameFilter, noCase } from "../benchmarkCase.ts";
import { modelCases } from "../cases/models.ts";
import { opCases } from "../cases/ops.ts";
import { trainingCases } from "../cases/training.ts";
import { bestCeilings } from "./ceilings.ts";
import { type Figure, toFigure } from "./figure.ts";
import { type LongPrefill, measureLongPrefill } from "./longPrefill.ts";
import { measureCases, threadCounts } from "./measureCases.ts";
import { measureStartup, type Startup } from "./startup.ts";

export interface CpuBenchmarkOptions {
  /** Only cases whose name contains this text. */
  readonly filter: string;
  /** Fewer and shorter samples. */
  readonly quick: boolean;
  /** Also reads a prompt of 100 000 tokens (10 000 with `quick`). */
  readonly long: boolean;
}

/** The result on the backend cpu. Times are in seconds. */
export interface CpuBenchmark {
  readonly machine: {
    readonly cpu: string;
    readonly threads: number;
    /** The build of the backend that this engine runs. */
    readonly backend: string;
    readonly node: string;
    readonly platform: string;
  };
  readonly ceilings: Ceilings;
  readonly figures: readonly Figure[];
  readonly startup: Startup | null;
  readonly longPrefill: LongPrefill | null;
  /** Largest resident size of the process. */
  readonly peakBytes: number;
}

/** The start-up time is no case, but a filter selects it by this name. */
const startupName = "start-up";

/**
 * Measures ops, models and training on the CPU, beside the machine's ceilings.
 *
 * @throws MambaError `OPTIONS` when the filter selects nothing
 */
export async function benchmarkCpu(
  { filter, quick, long }: CpuBenchmarkOptions,
  { program, signal, withProgress }: BenchmarkHost,
): Promise<CpuBenchmark> {
  const selects = nameFilter(filter);
  const all = [opCases, modelCases, trainingCases];
  const groups = all.map((cases) => cases.filter(({ name }) => selects(name)));
  const withStartup = selects(startupName);
  if (!withStartup && !long && groups.every((cases) => cases.length === 0)) {
    throw noCase(filter, [...all.flat().map(({ name }) => name), startupName]);
  }

  // First, while the process has allocated nothing else.
  const longPrefill = long
    ? await withProgress("reading a long prompt", (pause) =>
        measureLongPrefill(quick ? 10_000 : 100_000, signal, pause),
      )
    : null;
  const startup = withStartup ? await measureStartup(program, signal, quick ? 3 : 10) : null;

  // Other work on the machine slows the ceilings too: they are measured before, between and after the cases, and the best
  // ones count.
  const effort = quick ? { rounds: 3, sampleSeconds: 0.02 } : { rounds: 11, sampleSeconds: 0.1 };
  let ceilings = await bestCeilings(quick ? 2 : 5);
  const timings = [];
  for (const cases of groups) {
    if (cases.length === 0) continue;
    timings.push(...(await withProgress("measuring", (pause) => measureCases(cases, effort, pause))));
    ceilings = await bestCeilings(quick ? 2 : 5, ceilings);
  }
  return {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      threads: Math.max(...threadCounts()),
      backend: await describeBackend(),
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    },
    ceilings,
    figures: timings.map((timing) => toFigure(timing, ceilings)),
    startup,
    longPrefill,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

async function describeBackend(): Promise<string> {
  await using kernel = await createCpuKernel();
  return kernel.capabilities.device;
}
