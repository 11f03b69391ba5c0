import { join } from "node:path";
import { show } from "@mamba/core/safetensors";
import { CheckpointError, messageOf } from "../errors.ts";
import { pickleError } from "../formats/pickle/refusal.ts";
import { indexFile } from "../formats/safetensors/shardIndex.ts";
import { weightsFile } from "../formats/safetensors/weights.ts";
import { writeFiles } from "../writeFiles.ts";
import { folderFiles } from "./folder.ts";
import { cachedFiles, isCommit, shardNames, snapshotLabel } from "./hubCache.ts";
import { downloadBlob, type HubFile, linkSnapshot } from "./hubDownload.ts";
import type { Progress } from "./progress.ts";
import type { CheckpointFiles } from "./source.ts";

/** Options for models on the hub. */
export interface HubOptions {
  /** Branch, tag or commit. Default "main". */
  readonly revision?: string | undefined;
  /** Default: the cache of the Python tools (`HF_HUB_CACHE`, `HF_HOME`, or `~/.cache/huggingface/hub`). */
  readonly cacheDir?: string | undefined;
  /** Default `https://huggingface.co`. */
  readonly hubUrl?: string | undefined;
  /** For private and gated models; begins with `hf_`. */
  readonly accessToken?: string | undefined;
  /** Use the cache and contact no server. Default false. */
  readonly offline?: boolean | undefined;
}

interface Request extends HubOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const smallFiles = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
];
/** Downloaded when there is no tokenizer.json. */
const vocabularyFiles = ["vocab.json", "merges.txt", "added_tokens.json", "tokenizer.model"];

/** True for `organisation/name`. */
export function isHubName(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(text) && !text.includes("..");
}

/**
 * The files of a model on the hub. Requests the revision's commit, downloads the files that the cache lacks, and returns
 * the snapshot in the cache, which is shared with the Python tools and has their layout. When the hub cannot be reached, a
 * complete cached snapshot is used, and a note says so.
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
  // Imported only here: a folder on disk does not need it, and the import delays the start.
  const hub = await import("@huggingface/hub");
  const cacheDir = request.cacheDir ?? hub.getHFHubCachePath();
  const storage = join(cacheDir, hub.getRepoFolderName({ type: "model", name }));
  const revisionInCache = { name, revision, storage };
  if (request.offline) return { files: await cachedFiles(revisionInCache, "offline is set"), notes: [] };

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
    if (!isCommit(sha))
      throw new CheckpointError("HUB", `${name}: the hub must name a commit, got ${show(sha)}`);
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
      throw new CheckpointError("HUB", `${name}: the hub's answer is invalid: ${messageOf(cause)}`, {
        cause,
      });
    }
    const reason = `the hub could not be reached (${reasonOf(cause)})`;
    const files = await cachedFiles(revisionInCache, reason, cause);
    return { files, notes: [`${reason}: using ${files.label} from the cache`] };
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
  const wanted = listed.has("tokenizer.json") ? smallFiles : [...smallFiles, ...vocabularyFiles];
  const first = wanted.filter((path) => listed.has(path));
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
  return { files: await folderFiles(snapshot, snapshotLabel(name, sha)), notes: [] };
}

function noWeights(name: string, listed: ReadonlyMap<string, unknown>): CheckpointError {
  const pickle = [...listed.keys()].find((path) => /^[^/]*\.(bin|pt|pth|bin\.index\.json)$/.test(path));
  if (pickle !== undefined) return pickleError(name, pickle);
  return new CheckpointError("NO_WEIGHTS", `${name}: the hub lists neither ${weightsFile} nor ${indexFile}`);
}

/** True for a failed connection: `fetch` rejects with a TypeError that has a cause; one for an invalid answer has none. */
function isNetworkFailure(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}

/** The message of an error and that of its cause, where `fetch` puts the reason. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : messageOf(error);
}
