import type { MambaLM } from "@mamba/core";
import type { DataSource } from "@mamba/train";
import { type DataRecipe, openSource, type Reader } from "../data/openSource.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";
import type { SampleAnswer } from "./sampleAnswers.ts";

/** Held-out examples that a run is evaluated on from time to time. The training does not depend on them. */
export interface HeldOut {
  readonly source: DataSource;
  readonly examples: number;
  /** Steps between two evaluations, of all the steps of the run. There is one more at the end. */
  readonly every: (steps: number) => number;
  /** Answers of the model to some of the prompts. */
  readonly sample?: ((model: MambaLM, signal: AbortSignal) => Promise<SampleAnswer[]>) | undefined;
}

export interface HeldOutOptions {
  readonly evalEvery?: number | undefined;
  readonly evalData?: string | undefined;
  readonly evalExamples?: number | undefined;
}

/**
 * The held-out examples of a run on `recipe`: from another file, or for a generated task with the next seed. Undefined
 * when the run is not evaluated.
 *
 * @throws CliError `USAGE` when the options do not fit each other or the file; the errors of `openSource`
 */
export async function openHeldOut(
  recipe: DataRecipe,
  { evalEvery: every, evalData: path, evalExamples: examples }: HeldOutOptions,
  reader: Reader,
  host: Host,
): Promise<(HeldOut & AsyncDisposable) | undefined> {
  if (every === undefined) {
    if (path === undefined && examples === undefined) return undefined;
    throw usage("--eval-data and --eval-examples need --eval-every");
  }
  if (recipe.path !== undefined && path === undefined) throw usage("--eval-every needs --eval-data <file>");
  const source = await openSource({ ...recipe, path, seed: recipe.seed + 1 }, reader, host);
  try {
    return {
      source,
      every: () => every,
      examples: heldOutExamples(source, examples),
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The number of examples of an evaluation.
 *
 * @throws CliError `USAGE` when the source has fewer than are asked for
 */
export function heldOutExamples({ id, count = Infinity }: DataSource, examples: number | undefined): number {
  if (examples === undefined || examples <= count) return examples ?? Math.min(count, 64);
  throw usage(`--eval-examples must be at most ${count}, the examples of ${id}, got ${examples}`);
}
