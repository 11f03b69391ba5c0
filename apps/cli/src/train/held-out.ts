import { usage } from "../args.ts";
import type { Host } from "../host.ts";
import { type DataRecipe, openSource, type OpenSource, type Reader } from "./data.ts";

/** What is judged during a run, and how often. Nothing in the run depends on it. */
export interface HeldOut extends AsyncDisposable {
  readonly source: OpenSource;
  readonly examples: number;
  /** Steps between two evaluations; one more is at the end. */
  readonly every: number;
}

/** What the flags say. */
export interface HeldOutFlags {
  readonly every: number | undefined;
  readonly path: string | undefined;
  readonly examples: number | undefined;
}

/**
 * What a run on `recipe` is judged on: another file, or of a generator the next seed. Undefined when it is not judged.
 *
 * @throws CliError `USAGE` when the flags do not fit each other or the file; as `openSource` does
 */
export async function openHeldOut(
  recipe: DataRecipe,
  { every, path, examples }: HeldOutFlags,
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
