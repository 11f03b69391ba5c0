import type { Ngram } from "@mamba/tasks";
import type { Evaluation } from "@mamba/train";
import type { Host } from "../host.ts";
import { progress } from "../progress.ts";
import type { OpenSource } from "./data.ts";

/** What can be judged beside a model. */
export const baselines = ["ngram"] as const;

/** Examples that are counted of a source that does not end. */
const fewExamples = 4096;

/** Counts n-grams, with a bar. */
export async function countBaseline(
  source: OpenSource,
  {
    order,
    examples = source.count ?? fewExamples,
  }: { order: number | undefined; examples: number | undefined },
  host: Host,
): Promise<Ngram> {
  const { trainNgram } = await import("@mamba/tasks");
  using bar = progress(host, "counting", String);
  return await trainNgram(source, {
    order,
    examples,
    signal: host.signal,
    onProgress: (done) => bar.update(done, examples),
  });
}

/** Judges counted n-grams, with a bar. */
export async function judgeBaseline(
  ngram: Ngram,
  source: OpenSource,
  examples: number,
  host: Host,
): Promise<Evaluation & { readonly seconds: number }> {
  const { evaluateNgram } = await import("@mamba/tasks");
  using bar = progress(host, `${ngram.order}-gram`, String);
  const start = performance.now();
  const found = await evaluateNgram(ngram, source, {
    examples,
    signal: host.signal,
    onProgress: (done) => bar.update(done, examples),
  });
  return { ...found, seconds: (performance.now() - start) / 1000 };
}
