import { type DataRecipe, openSource, type OpenSource, type Reader } from "../data/openSource.ts";
import { usage } from "../program/errors.ts";
import type { Host } from "../program/host.ts";

/** Held-out examples that a run is evaluated on from time to time. The training does not depend on them. */
export interface HeldOut extends AsyncDisposable {
  readonly source: OpenSource;
  readonly examples: number;
  /** Steps between two evaluations. There is one more at the end. */
  readonly every: number;
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
): Promise<HeldOut | undefined> {
  if (every === undefined) {
    if (path === undefined && examples === undefined) return undefined;
    throw usage("--eval-data and --eval-examples need --eval-every");
  }
  if (recipe.path !== undefined && path === undefined) throw usage("--eval-every needs --eval-data <file>");
  const source = await openSource({ ...recipe, path, seed: recipe.seed + 1 }, reader, host);
  const { count = Infinity } = source;
  if (examples !== undefined && examples > count) {
    await source[Symbol.asyncDispose]();
    throw usage(`--eval-examples must be at most ${count}, the examples of ${source.id}, got ${examples}`);
  }
  return {
    source,
    every,
    examples: examples ?? Math.min(count, 64),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
