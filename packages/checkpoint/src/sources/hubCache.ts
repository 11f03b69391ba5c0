import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { indexFile, parseIndex } from "../formats/safetensors/shardIndex.ts";
import { weightsFile } from "../formats/safetensors/weights.ts";
import { folderFiles, isMissing } from "./folder.ts";
import type { CheckpointFiles } from "./source.ts";

const commitPattern = /^[0-9a-f]{40}$/;

/** True for the full id of a commit. */
export function isCommit(text: string): boolean {
  return commitPattern.test(text);
}

/** A cached revision of a model. */
export interface CachedRevision {
  /** Name of the model on the hub. */
  readonly name: string;
  readonly revision: string;
  /** Folder of its repository in the cache. */
  readonly storage: string;
}

/**
 * The cached snapshot of a revision. Every file that loading needs must be there.
 *
 * @param reason why the cache is used, for messages
 * @throws CheckpointError `OFFLINE`
 */
export async function cachedFiles(
  { name, revision, storage }: CachedRevision,
  reason: string,
  cause?: unknown,
): Promise<CheckpointFiles> {
  const absent = (missing: string) => {
    const remedy = "load it once with a connection";
    return new CheckpointError("OFFLINE", `${name} (${revision}): ${reason}, and ${missing}; ${remedy}`, {
      cause,
    });
  };
  const sha = isCommit(revision) ? revision : (await textOf(join(storage, "refs", revision)))?.trim();
  if (sha === undefined || !isCommit(sha)) throw absent(`the cache ${storage} does not know it`);
  const snapshot = join(storage, "snapshots", sha);
  const files = await folderFiles(snapshot, snapshotLabel(name, sha)).catch(() => {
    throw absent(`the cache ${storage} has no files of it`);
  });
  const has = async (file: string): Promise<boolean> => {
    const source = await files.open(file);
    await source?.close();
    return source !== undefined;
  };
  if (!(await has("config.json"))) throw absent("config.json is not in the cache");
  if (await has(weightsFile)) return files;
  if (!(await has(indexFile))) throw absent("its weights are not in the cache");
  for (const shard of await shardNames(join(snapshot, indexFile))) {
    if (!(await has(shard))) throw absent(`${shard} is not in the cache`);
  }
  return files;
}

/** Names of the shards that an index file lists. */
export async function shardNames(index: string): Promise<string[]> {
  return [...new Set(parseIndex(await readFile(index), index).values())].sort();
}

/** Name of a snapshot, for messages. */
export function snapshotLabel(name: string, sha: string): string {
  return `${name}@${sha.slice(0, 8)}`;
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
}
