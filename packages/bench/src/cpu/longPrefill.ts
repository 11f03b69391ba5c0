import { GenerationState, prefill } from "@mamba/core";
import { Scope } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import type { Pause } from "../benchmarkCase.ts";
import { randomModel } from "../cases/models.ts";
import { randomIds } from "../randomTensor.ts";

/** A long prompt, read in chunks. Its memory must not grow with its length. */
export interface LongPrefill {
  readonly tokens: number;
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** Largest resident size of the process while it reads, above its size with the weights loaded. */
  readonly bytesAboveWeights: number;
  /** The growth of the kernel's memory within it. */
  readonly poolGrowthBytes: number;
}

export async function measureLongPrefill(
  tokens: number,
  signal: AbortSignal,
  pause: Pause,
): Promise<LongPrefill> {
  await using kernel = await createCpuKernel();
  using scope = new Scope();
  const model = randomModel(kernel, "mamba-130m", "f32", scope);
  const state = scope.use(GenerationState.start(model, [...randomIds(tokens)]));
  const resident = process.memoryUsage.rss();
  const pool = kernel.poolBytes;
  let peak = resident;
  const start = performance.now();
  await prefill(model, state, {
    signal,
    onProgress(done, total) {
      peak = Math.max(peak, process.memoryUsage.rss());
      pause(done, total).catch(() => undefined); // `prefill` itself ends on the signal
    },
  });
  const seconds = (performance.now() - start) / 1000;
  return {
    tokens,
    seconds,
    tokensPerSecond: tokens / seconds,
    bytesAboveWeights: peak - resident,
    poolGrowthBytes: kernel.poolBytes - pool,
  };
}
