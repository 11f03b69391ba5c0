import { GenerationState, prefill } from "@mamba/core";
import { Scope } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { randomModel } from "./model-specs.ts";
import { randomIds } from "./spec.ts";

/** A long prompt, read in chunks: its memory must not grow with its length. */
export interface LongPrefill {
  readonly tokens: number;
  readonly seconds: number;
  readonly tokensPerSecond: number;
  /** The most that the process held while reading, above what it held with the weights loaded and nothing done. */
  readonly bytesAboveWeights: number;
  /** The kernel's share of it. */
  readonly poolGrowthBytes: number;
}

export async function measureLongPrefill(
  tokens: number,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<LongPrefill> {
  await using kernel = await createCpuKernel();
  using scope = new Scope();
  const model = randomModel(kernel, "mamba-130m", "f32", scope);
  const state = scope.use(GenerationState.start(model, [[...randomIds(tokens)]]));
  const resident = process.memoryUsage.rss();
  const pool = kernel.poolBytes;
  let peak = resident;
  const start = performance.now();
  const logits = await prefill(model, state, {
    signal,
    onProgress(done, total) {
      peak = Math.max(peak, process.memoryUsage.rss());
      onProgress(done, total);
    },
  });
  const seconds = (performance.now() - start) / 1000;
  logits.dispose();
  return {
    tokens,
    seconds,
    tokensPerSecond: tokens / seconds,
    bytesAboveWeights: peak - resident,
    poolGrowthBytes: kernel.poolBytes - pool,
  };
}
