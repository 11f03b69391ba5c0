import { availableParallelism } from "node:os";
import { Scope } from "@mamba/kernel";
import { createCpuKernel, type CpuKernel } from "@mamba/kernel-cpu";
import type { BenchmarkCase, Pause } from "../benchmarkCase.ts";
import { sample, spread, type Spread } from "../sample.ts";

/** How long to measure. */
export interface CpuEffort {
  /** Samples of each case. */
  readonly rounds: number;
  /** A sample repeats its case until it has taken this long. */
  readonly sampleSeconds: number;
}

/** A measured case. */
export interface Timing {
  readonly item: BenchmarkCase;
  readonly threads: number;
  /** Seconds of one run. */
  readonly seconds: Spread;
  /** Memory of the kernel at the end, for its weights and all intermediate results. */
  readonly poolBytes: number;
  /** Growth of that memory during the samples, after the warm-up. */
  readonly poolGrowthBytes: number;
}

interface Running {
  readonly item: BenchmarkCase;
  readonly threads: number;
  readonly kernel: CpuKernel;
  readonly run: () => void | Promise<void>;
  readonly samples: number[];
  repeats: number;
  growth: number;
}

/** One thread, and all cores. */
export function threadCounts(): number[] {
  return [...new Set([1, availableParallelism()])];
}

/**
 * Measures cases with each number of threads, in rounds over all of them, so that a disturbance hits every case alike.
 * Each storage type and number of threads has a kernel of its own.
 */
export async function measureCases(
  cases: readonly BenchmarkCase[],
  { rounds, sampleSeconds }: CpuEffort,
  pause: Pause,
): Promise<Timing[]> {
  using scope = new Scope();
  const kernels = new Map<string, CpuKernel>();
  try {
    const all: Running[] = [];
    for (const item of cases) {
      for (const threads of threadCounts()) {
        const key = `${threads} ${item.dtype}`;
        const kernel = kernels.get(key) ?? (await createCpuKernel({ threads }));
        kernels.set(key, kernel);
        const run = item.prepare(kernel, scope);
        all.push({ item, threads, kernel, run, samples: [], repeats: 1, growth: 0 });
      }
    }
    const total = all.length * (rounds + 1);
    const time = ({ kernel, run, repeats }: Running) => sample(kernel, run, repeats);
    let done = 0;
    for (const running of all) {
      await time(running); // compiles, and allocates memory
      // Memory that the first run kept may split free memory, so the second run can still allocate some.
      const warm = await time(running);
      if (warm < sampleSeconds) running.repeats = Math.ceil(sampleSeconds / warm);
      await pause(++done, total);
    }
    for (let round = 0; round < rounds; round++) {
      for (const running of all) {
        const before = running.kernel.poolBytes;
        running.samples.push(await time(running));
        running.growth += running.kernel.poolBytes - before;
        await pause(++done, total);
      }
    }
    return all.map(({ item, threads, kernel, samples, growth }) => ({
      ...{ item, threads, seconds: spread(samples) },
      ...{ poolBytes: kernel.poolBytes, poolGrowthBytes: growth },
    }));
  } finally {
    for (const kernel of kernels.values()) await kernel.dispose();
  }
}
