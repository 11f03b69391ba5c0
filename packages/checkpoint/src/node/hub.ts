import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, messageOf, show } from "../errors.ts";
import type { CheckpointFiles } from "../source.ts";
import { indexFile, parseIndex, pickleError, weightsFile } from "../weights.ts";
import { downloadBlob, type HubFile, linkSnapshot } from "./download.ts";
import { folderFiles, isMissing } from "./folder.ts";
import type { Progress } from "../load.ts";
import { writeFiles } from "./write.ts";

/** How a model on the hub is found. */
export interface HubOptions {
  /** Branch, tag or commit. Default "main". */
  readonly revision?: string | undefined;
  /** Default: the cache of the Python tools (`HF_HUB_CACHE`, `HF_HOME`, or `~/.cache/huggingface/hub`). */
  readonly cacheDir?: string | undefined;
  /** Default `https://huggingface.co`. */
  readonly hubUrl?: string | undefined;
  /** For private and gated models; begins with `hf_`. */
  readonly accessToken?: string | undefined;
  /** Ask no server: use what the cache has. Default false. */
  readonly offline?: boolean | undefined;
}

interface Request extends HubOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const small = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"];
const commitPattern = /^[0-9a-f]{40}$/;

/** True for `organisation/name`. */
export function isHubName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(text) && !text.includes("..");
}

/**
 * A model on the hub as a folder: asks for the revision's commit, downloads what the cache lacks, and returns the
 * snapshot in the cache. The layout is that of the Python tools, and is shared with them. When the hub cannot be
 * reached a complete cached snapshot is used, and a note says so.
 *
 * @throws CheckpointError `NOT_FOUND`, `HUB`, `OFFLINE`, `NO_WEIGHTS`, `PICKLE`, `INDEX`, `PATH`, `IO`
 */
export async function hubFiles(
  name: string,
  request: Request,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const { revision = "main" } = request;
  if (!/^[\w][\w./-]{0,199}$/.test(revision) || revision.split("/").includes("..")) {
    throw new CheckpointError("HUB", `${name}: ${show(revision)} is not a revision`);
  }
  // Loaded only here: a folder on disk needs none of it, and start-up time counts.
  const hub = await import("@huggingface/hub");
  const cacheDir = request.cacheDir ?? hub.getHFHubCachePath();
  const storage = join(cacheDir, hub.getRepoFolderName({ type: "model", name }));
  if (request.offline) return { files: await cached(name, revision, storage), notes: [] };

  const send: typeof fetch = (input, init) => fetch(input, { ...init, signal: request.signal ?? null });
  const shared = {
    fetch: send,
    ...(request.hubUrl !== undefined && { hubUrl: request.hubUrl.replace(/\/+$/, "") }),
    ...(request.accessToken !== undefined && { accessToken: request.accessToken }),
  };
  let sha: string;
  const listed = new Map<string, HubFile>();
  try {
    ({ sha } = await hub.modelInfo({ name, revision, additionalFields: ["sha"], ...shared }));
    if (!commitPattern.test(sha))
      throw new CheckpointError("HUB", `${name}: the hub names no commit, but ${show(sha)}`);
    for await (const entry of hub.listFiles({ repo: { type: "model", name }, revision: sha, ...shared })) {
      if (entry.type === "file") listed.set(entry.path, entry);
      if (listed.size > 10_000)
        throw new CheckpointError("HUB", `${name}: the hub lists more than 10000 files`);
    }
  } catch (cause) {
    request.signal?.throwIfAborted();
    if (CheckpointError.is(cause)) throw cause;
    if (cause instanceof hub.HubApiError) {
      const code = cause.statusCode === 404 || cause.statusCode === 401 ? "NOT_FOUND" : "HUB";
      throw new CheckpointError(
        code,
        `${name} (${revision}): the hub answered ${cause.statusCode}: ${cause.message}`,
        { cause },
      );
    }
    if (!isNetworkFailure(cause)) {
      throw new CheckpointError("HUB", `${name}: the hub's answer makes no sense: ${messageOf(cause)}`, {
        cause,
      });
    }
    const reason = `the hub could not be reached (${reasonOf(cause)})`;
    const files = await cached(name, revision, storage, reason, cause);
    return { files, notes: [`${reason}: this is ${files.label} from the cache`] };
  }

  const snapshot = join(storage, "snapshots", sha);
  const repo = { type: "model", name } as const;
  const fetchBlob = (path: string) => hub.downloadFile({ repo, path, revision: sha, ...shared });
  let doneBytes = 0;
  let totalBytes: number | undefined;
  const get = async (path: string): Promise<void> => {
    const file = listed.get(path);
    if (!file)
      throw new CheckpointError(
        "INDEX",
        `${name}: ${indexFile} names ${show(path)}, which the hub does not list`,
      );
    const start = doneBytes;
    const report = (bytes: number) => {
      doneBytes = start + bytes;
      request.onProgress?.({ phase: "download", file: path, doneBytes, totalBytes });
    };
    try {
      const blob = await downloadBlob(storage, file, () => fetchBlob(path), report);
      await linkSnapshot(blob, join(snapshot, path));
    } catch (cause) {
      request.signal?.throwIfAborted();
      if (CheckpointError.is(cause)) throw cause;
      throw new CheckpointError("HUB", `${name}: downloading ${path} failed: ${reasonOf(cause)}`, { cause });
    }
    doneBytes = start + file.size;
  };

  const sizeOf = (paths: readonly string[]) =>
    paths.reduce((sum, path) => sum + (listed.get(path)?.size ?? 0), 0);
  const first = small.filter((path) => listed.has(path));
  if (listed.has(weightsFile)) first.push(weightsFile);
  else if (listed.has(indexFile)) first.push(indexFile);
  else throw noWeights(name, listed);
  totalBytes = listed.has(weightsFile) ? sizeOf(first) : undefined;
  for (const path of first) await get(path);
  if (!listed.has(weightsFile)) {
    const shards = await shardNames(join(snapshot, indexFile));
    totalBytes = sizeOf([...first, ...shards]);
    for (const path of shards) await get(path);
  }
  if (revision !== sha)
    await writeFiles(new Map([[join(storage, "refs", revision), new TextEncoder().encode(sha)]]));
  return { files: await folderFiles(snapshot, labelOf(name, sha)), notes: [] };
}

/** The snapshot that the cache holds for a revision, when it is complete. */
async function cached(
  name: string,
  revision: string,
  storage: string,
  reason = "no server may be asked (offline)",
  cause?: unknown,
): Promise<CheckpointFiles> {
  const absent = (what: string) => {
    const remedy = "load it once with a connection";
    return new CheckpointError("OFFLINE", `${name} (${revision}): ${reason}, and ${what}; ${remedy}`, {
      cause,
    });
  };
  const sha = commitPattern.test(revision)
    ? revision
    : (await textOf(join(storage, "refs", revision)))?.trim();
  if (sha === undefined || !commitPattern.test(sha)) throw absent(`the cache ${storage} does not know it`);
  const snapshot = join(storage, "snapshots", sha);
  const files = await folderFiles(snapshot, labelOf(name, sha)).catch(() => {
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

async function shardNames(index: string): Promise<string[]> {
  return [...new Set(parseIndex(await readFile(index), index).values())].sort();
}

function noWeights(name: string, listed: ReadonlyMap<string, unknown>): CheckpointError {
  const pickle = [...listed.keys()].find((path) => /^[^/]*\.(bin|pt|pth|bin\.index\.json)$/.test(path));
  if (pickle !== undefined) return pickleError(name, pickle);
  return new CheckpointError("NO_WEIGHTS", `${name}: the hub lists neither ${weightsFile} nor ${indexFile}`);
}

function labelOf(name: string, sha: string): string {
  return `${name}@${sha.slice(0, 8)}`;
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
}

/** `fetch` rejects with a TypeError that has a cause; an answer that cannot be parsed has none. */
function isNetworkFailure(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}

/** `fetch` hides the reason in `cause`. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : messageOf(error);
}
