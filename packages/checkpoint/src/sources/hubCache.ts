import { readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { parseIndex } from "../formats/shardIndex.ts";
import { weightFiles, type WeightFiles } from "../formats/weightFiles.ts";
import { findGguf } from "../gguf/find.ts";
import { hashFile, hashFor, isContentId } from "./contentHash.ts";
import { folderFiles, isMissing } from "./folder.ts";
import { folderName } from "./hubName.ts";
import type { CheckpointFiles } from "./source.ts";

const commitPattern = /^[0-9a-f]{40}$/;

/** True for the full id of a commit. */
export function isCommit(text: string): boolean {
  return commitPattern.test(text);
}

/**
 * The folder of the hub's cache: that of the Python tools, by the same environment variables, of which an empty one counts as not set.
 *
 * @param env default: that of the process
 */
export function hubCacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = env;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  return HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(home, "hub");
}

/** The folder of a model's repository in the cache. */
export function repositoryFolder(cache: string, name: string): string {
  return join(cache, folderName(name));
}

/** The files of a revision in the cache. */
export interface CachedSnapshot {
  readonly files: CheckpointFiles;
  readonly commit: string;
  /** The names of the shards of its GGUF model; undefined for a model in another format. */
  readonly gguf: readonly string[] | undefined;
}

/** A revision of a model that should be in the cache. */
export interface RevisionRequest {
  /** Name of the model on the hub. */
  readonly name: string;
  readonly revision: string;
  /** Folder of its repository in the cache. */
  readonly storage: string;
  /** Compare the files with the hashes in their names. */
  readonly verify: boolean;
  readonly signal: AbortSignal | undefined;
  /** A GGUF file by its name or the type in it. */
  readonly file: string | undefined;
}

/**
 * The cached snapshot of a revision. Every file that loading needs must be there, and have the content that its name in the
 * cache says.
 *
 * @param optional files that loading reads where they are there
 * @param reason why the cache is used, for messages
 * @throws CheckpointError `OFFLINE`
 */
export async function cachedFiles(
  { name, revision, storage, verify, signal, file: wanted }: RevisionRequest,
  optional: readonly string[],
  reason: string,
  cause?: unknown,
): Promise<CachedSnapshot> {
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
    if (source === undefined) return false;
    if (verify && !(await hasNamedContent(join(snapshot, file), Number(source.size), signal)))
      throw absent(`${file} is damaged in the cache`);
    return true;
  };
  const gguf = await findGguf(files, wanted);
  if (gguf !== undefined) {
    for (const file of gguf) if (!(await has(file))) throw absent(`${file} is not in the cache`);
    return { files: { ...files, list: () => Promise.resolve(gguf) }, commit: sha, gguf };
  }
  const found = { files, commit: sha, gguf: undefined };
  for (const file of optional) await has(file);
  if (!(await has("config.json"))) throw absent("config.json is not in the cache");
  for (const kind of weightFiles) {
    if (await has(kind.single)) return found;
    if (!(await has(kind.index))) continue;
    for (const shard of await shardNames(snapshot, kind)) {
      if (!(await has(shard))) throw absent(`${shard} is not in the cache`);
    }
    return found;
  }
  throw absent("its weights are not in the cache");
}

/** False when a file is a link to a blob of the cache, and its content is not the one that the blob's name says. */
async function hasNamedContent(
  path: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const blob = await realpath(path);
  const id = basename(blob);
  if (basename(dirname(blob)) !== "blobs" || !isContentId(id)) return true;
  const hash = hashFor(id, size);
  await hashFile(blob, hash, size, signal);
  return hash.digest("hex") === id;
}

/** Names of the shards that the index of a snapshot lists. */
export async function shardNames(snapshot: string, { index, ending }: WeightFiles): Promise<string[]> {
  const path = join(snapshot, index);
  return [...new Set(parseIndex(await readFile(path), path, ending).values())].sort();
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
