import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { ioError, isMissing } from "./folder.ts";
import { hubCacheFolder } from "./hubCache.ts";
import type { CachedModel, CacheProblem } from "./hubCacheModel.ts";
import { scanModel } from "./hubCacheScan.ts";
import { modelName } from "./hubName.ts";

/** The models of the hub's cache. */
export interface CacheListing {
  /** The folder of the cache. */
  readonly path: string;
  /** Sorted by their names. */
  readonly models: readonly CachedModel[];
  /** Entries that are not what they should be. They do not stop the listing. */
  readonly problems: readonly CacheProblem[];
}

/** Options of `listCachedModels`. */
export interface ListOptions {
  /** Default: the cache of the Python tools (`HF_HUB_CACHE`, `HF_HOME`, or `~/.cache/huggingface/hub`). */
  readonly cacheDir?: string | undefined;
}

/**
 * Lists the models in the hub's cache, also those that the Python tools have put there. Data sets and other things of the cache are
 * left out. A cache that does not exist is empty.
 *
 * @throws CheckpointError `IO` when the folder of the cache cannot be read
 */
export async function listCachedModels(options: ListOptions = {}): Promise<CacheListing> {
  const path = options.cacheDir ?? hubCacheFolder();
  const models: CachedModel[] = [];
  const problems: CacheProblem[] = [];
  const names = await readdir(path).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw ioError(path, error);
  });
  for (const folder of names.sort()) {
    if (!folder.startsWith("models--")) continue;
    const place = join(path, folder);
    const name = modelName(folder);
    if (name === undefined) {
      problems.push({ path: place, message: "its name is not that of a model" });
      continue;
    }
    try {
      if (!(await stat(place)).isDirectory()) {
        problems.push({ path: place, message: "it is not a folder" });
        continue;
      }
      const { problems: inside, ...model } = await scanModel(place, name);
      models.push(model);
      problems.push(...inside);
    } catch (error) {
      // A model that another process has removed meanwhile is no problem; a link that leads nowhere is one.
      const isGone = isMissing(error) && (await lstat(place).catch(() => undefined)) === undefined;
      if (!isGone) problems.push({ path: place, message: messageOf(error) });
    }
  }
  return { path, models, problems };
}
