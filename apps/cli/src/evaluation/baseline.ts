import type { Ngram } from "@mamba/tasks";
import type { LanguageModelEvaluation } from "@mamba/train";
import type { OpenSource } from "../data/openSource.ts";
import type { Host } from "../program/host.ts";
import { progress } from "../program/progress.ts";

/** Examples that are counted of a source without an end. */
const defaultExamples = 4096;

/** Counts n-grams, with a progress bar. */
export async function countBaseline(
  source: OpenSource,
  options: { readonly order: number | undefined; readonly examples: number | undefined },
  host: Host,
): Promise<Ngram> {
  const { order, examples = source.count ?? defaultExamples } = options;
  const { trainNgram } = await import("@mamba/tasks");
  using bar = progress(host, "counting", String);
  return await trainNgram(source, {
    order,
    examples,
    signal: host.signal,
    onProgress: (done) => bar.update(done, examples),
  });
}

/** Evaluates counted n-grams, with a progress bar. */
export async function evaluateBaseline(
  ngram: Ngram,
  source: OpenSource,
  examples: number,
  host: Host,
): Promise<LanguageModelEvaluation & { readonly seconds: number }> {
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
