import type { Kernel } from "@mamba/kernel";

/** Median and best over all samples. Other work on the same machine slows the median, but not the best. */
export interface Spread {
  readonly median: number;
  readonly best: number;
}

export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? NaN;
  const high = sorted[Math.floor(middle)] ?? NaN;
  return { median: (low + high) / 2, best: sorted[0] ?? NaN };
}

/** Seconds of one run out of `repeats`, including the wait for the device. */
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
