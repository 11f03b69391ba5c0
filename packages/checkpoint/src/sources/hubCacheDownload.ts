import { join } from "node:path";
import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { hubFiles, type HubOptions } from "./hub.ts";
import { hubCacheFolder, repositoryFolder } from "./hubCache.ts";
import type { CachedRevision } from "./hubCacheModel.ts";
import { scanModel } from "./hubCacheScan.ts";
import { isHubName, splitFile } from "./hubName.ts";
import type { Progress } from "./progress.ts";

/** Options of `downloadModel`. */
export interface DownloadOptions extends HubOptions {
  /** A GGUF file by its name or the type in it. Default: that after the colon of the name. */
  readonly file?: string | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A model that is in the cache with all files that loading it needs. */
export interface DownloadedModel {
  /** Name on the hub. */
  readonly name: string;
  /** `loadCheckpoint` takes it: the folder of the revision, or the path of the GGUF file. */
  readonly path: string;
  readonly revision: CachedRevision;
  /** Says when the hub could not be reached, and the cache served. */
  readonly notes: readonly string[];
}

/**
 * Downloads the files of a model on the hub into the cache of the Python tools, without loading it. Files that the cache has are not
 * downloaded again, and a download that was interrupted goes on where it ended.
 *
 * @param model `organisation/name`, with `:Q4_K_M` or `:file.gguf` for one of its GGUF files
 * @throws CheckpointError `NOT_FOUND`, `AMBIGUOUS`, `HUB`, `OFFLINE`, `NO_WEIGHTS`, `INDEX`, `PATH`, `IO`; the signal's reason
 */
export async function downloadModel(model: string, options: DownloadOptions = {}): Promise<DownloadedModel> {
  const { name, file = options.file } = splitFile(model);
  if (!isHubName(name))
    throw new CheckpointError(
      "NOT_FOUND",
      `${show(name)} is not the name of a model on the hub (organisation/name)`,
    );
  const { commit, gguf, notes } = await hubFiles(name, { ...options, file });
  const folder = repositoryFolder(options.cacheDir ?? hubCacheFolder(), name);
  const { revisions } = await scanModel(folder, name);
  const revision = revisions.find((each) => each.commit === commit);
  if (!revision) throw new CheckpointError("IO", `${folder}: the revision ${commit} was removed meanwhile`);
  const [first] = gguf ?? [];
  return { name, path: first === undefined ? revision.path : join(revision.path, first), revision, notes };
}
