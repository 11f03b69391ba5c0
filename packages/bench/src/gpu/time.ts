import type { Kernel } from "@mamba/kernel";
import { sample } from "../sample.ts";

/** How long to measure. `tooling/gpu-check/scan_torch.py` follows the same rules. */
export interface Effort {
  /** The most samples. */
  readonly samples: number;
  /** A sample repeats its run until it takes this long. */
  readonly sampleSeconds: number;
}

/** The fewest samples, however long a run takes. */
const minSamples = 3;

/** Seconds of one run: the median of the samples, each with its wait for the device. */
export async function time(
  kernel: Kernel,
  run: () => void | Promise<void>,
  { samples, sampleSeconds }: Effort,
): Promise<number> {
  // The first run allocates memory; the second one of the same launches becomes a graph, which is replayed from then on.
  for (let i = 0; i < 2; i++) await sample(kernel, run, 1);
  const repeats = Math.max(1, Math.ceil(sampleSeconds / (await sample(kernel, run, 1))));
  // Many runs make other batches of launches than one, which become graphs of their own.
  if (repeats > 1) for (let i = 0; i < 2; i++) await sample(kernel, run, repeats);
  const seconds: number[] = [];
  const end = performance.now() + 2 * samples * sampleSeconds * 1000;
  while (seconds.length < samples && (seconds.length < minSamples || performance.now() < end)) {
    seconds.push(await sample(kernel, run, repeats));
  }
  seconds.sort((a, b) => a - b);
  return seconds[Math.floor(seconds.length / 2)] ?? NaN;
}
