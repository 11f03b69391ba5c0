import { availableParallelism } from "node:os";
import { type Kernel, Scope } from "@mamba/kernel";
import { createCpuKernel, measureCeilings, type Ceilings, type CpuKernel } from "@mamba/kernel-cpu";
import type { CaseSpec } from "./spec.ts";

/** How long to measure. */
export interface Effort {
  /** Samples of each case. */
  readonly rounds: number;
  /** A sample repeats its case until it has taken this long. */
  readonly sampleSeconds: number;
}

/** Median and best over all samples: another tenant's work on the same machine slows the median, not the best. */
export interface Spread {
  readonly median: number;
  readonly best: number;
}

/** A measured case. */
export interface Timing {
  readonly spec: CaseSpec;
  readonly threads: number;
  /** Of one run. */
  readonly seconds: Spread;
  /** Bytes of memory that the kernel had claimed at the end, for its weights and all that it worked in. */
  readonly poolBytes: number;
  /** By how much that grew during the samples, after the warm-up. */
  readonly poolGrowthBytes: number;
}

interface Running {
  readonly spec: CaseSpec;
  readonly threads: number;
  readonly kernel: CpuKernel;
  readonly run: () => void | Promise<void>;
  readonly samples: number[];
  repeats: number;
  growth: number;
}

/** One thread, and all that the machine has. */
export function threadCounts(): number[] {
  return [...new Set([1, availableParallelism()])];
}

/**
 * Measures cases with each number of threads, in rounds over all of them, so that a disturbance meets every case alike.
 * Each storage type and number of threads has a kernel of its own.
 *
 * @param pause called between samples: shows progress, and throws to end the run
 */
export async function measure(
  specs: readonly CaseSpec[],
  { rounds, sampleSeconds }: Effort,
  pause: (done: number, total: number) => Promise<void>,
): Promise<Timing[]> {
  using scope = new Scope();
  const kernels = new Map<string, CpuKernel>();
  try {
    const all: Running[] = [];
    for (const spec of specs) {
      for (const threads of threadCounts()) {
        const key = `${threads} ${spec.dtype}`;
        const kernel = kernels.get(key) ?? (await createCpuKernel({ threads }));
        kernels.set(key, kernel);
        const run = spec.prepare(kernel, scope);
        all.push({ spec, threads, kernel, run, samples: [], repeats: 1, growth: 0 });
      }
    }
    const total = all.length * (rounds + 1);
    const time = ({ kernel, run, repeats }: Running) => sample(kernel, run, repeats);
    let done = 0;
    for (const running of all) {
      const first = await time(running); // compiles, and claims memory
      if (first < sampleSeconds) running.repeats = Math.ceil(sampleSeconds / (await time(running)));
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
    return all.map(({ spec, threads, kernel, samples, growth }) => ({
      ...{ spec, threads, seconds: spread(samples) },
      ...{ poolBytes: kernel.poolBytes, poolGrowthBytes: growth },
    }));
  } finally {
    for (const kernel of kernels.values()) await kernel[Symbol.asyncDispose]();
  }
}

/** Seconds of one run of `repeats`, waiting for the device included. */
export async function sample(
  kernel: Kernel,
  run: () => void | Promise<void>,
  repeats: number,
): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    const pending = run();
    if (pending) await pending;
  }
  await kernel.sync();
  return (performance.now() - start) / 1000 / repeats;
}

export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  const high = sorted[Math.floor(middle)] ?? NaN;
  return { median: (low + high) / 2, best: sorted[0] ?? NaN };
}

/** As many bytes as the weights of mamba-130m have, so that caches help the probe no more than they help a model. */
const probeBytes = 512 * 2 ** 20;

/**
 * What the machine gives, on a kernel that is there for the probe alone: the better of `known` and now. All threads can
 * do at least what one can, however little of the second core there was.
 */
export async function bestCeilings(runs: number, known?: Ceilings): Promise<Ceilings> {
  await using kernel = await createCpuKernel();
  const now = measureCeilings(kernel, runs, probeBytes);
  const best = (what: keyof Ceilings) => {
    const oneThread = Math.max(now[what].oneThread, known?.[what].oneThread ?? 0);
    return {
      oneThread,
      allThreads: Math.max(now[what].allThreads, known?.[what].allThreads ?? 0, oneThread),
    };
  };
  return { read: best("read"), arithmetic: best("arithmetic") };
}
