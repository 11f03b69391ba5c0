import { join } from "node:path";
import { show } from "@mamba/core/safetensors";
import { CheckpointError } from "../errors.ts";
import { weightFileNames, weightFiles } from "../formats/weightFiles.ts";
import { noWeights } from "../formats/weights.ts";
import { chooseGguf } from "../gguf/choose.ts";
import { writeFiles } from "../writeFiles.ts";
import { folderFiles, ioError } from "./folder.ts";
import {
  cachedFiles,
  type CachedRevision,
  defaultCache,
  isCommit,
  repositoryFolder,
  shardNames,
  snapshotLabel,
} from "./hubCache.ts";
import { commitOf, type HubConnection, HubUnreachable, listFiles, openFile } from "./hubClient.ts";
import { downloadBlob, isWhole, linkSnapshot } from "./hubDownload.ts";
import type { Progress } from "./progress.ts";
import { type CheckpointFiles, isPlainFileName } from "./source.ts";

/** Options for models on the hub. */
export interface HubOptions {
  /** Branch, tag or commit. Default "main". */
  readonly revision?: string | undefined;
  /** Default: the cache of the Python tools (`HF_HUB_CACHE`, `HF_HOME`, or `~/.cache/huggingface/hub`). */
  readonly cacheDir?: string | undefined;
  /** Default `https://huggingface.co`. */
  readonly hubUrl?: string | undefined;
  /** For private and gated models. It is sent to the origin of `hubUrl` and to no other host. */
  readonly accessToken?: string | undefined;
  /**
   * Use the cache and contact no server. Default: true when the environment variable `HF_HUB_OFFLINE` or
   * `TRANSFORMERS_OFFLINE` is 1, true, yes or on.
   */
  readonly offline?: boolean | undefined;
  /**
   * Compare cached files with their hashes, at about 1.5 GB/s. A damaged file is downloaded again, or refused while offline.
   * Default true; without it only sizes are compared.
   */
  readonly verify?: boolean | undefined;
  /** Longest wait in milliseconds for an answer of the hub, and for the next bytes of one. Default 30000. */
  readonly timeoutMs?: number | undefined;
}

interface Request extends HubOptions {
  /** A GGUF file by its name or the type in it. */
  readonly file?: string | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const defaultHub = "https://huggingface.co";

const smallFiles = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
];
/** Downloaded when there is no tokenizer.json. */
const vocabularyFiles = ["vocab.json", "merges.txt", "added_tokens.json", "tokenizer.model"];

/**
 * The files of a model on the hub. Requests the revision's commit, downloads the files that the cache lacks or has damaged,
 * and returns the snapshot in the cache, which is shared with the Python tools and has their layout. When the hub cannot be
 * reached, a complete cached snapshot is used, and a note says so.
 *
 * @throws CheckpointError `NOT_FOUND`, `HUB`, `OFFLINE`, `NO_WEIGHTS`, `INDEX`, `PATH`, `IO`; the signal's reason
 */
export async function hubFiles(
  name: string,
  request: Request,
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const { revision = "main", accessToken, verify = true, timeoutMs = 30_000, signal } = request;
  if (!/^[\w][\w./-]{0,199}$/.test(revision) || revision.split("/").includes("..")) {
    throw new CheckpointError("HUB", `${name}: ${show(revision)} is not a revision`);
  }
  const storage = repositoryFolder(request.cacheDir ?? defaultCache(), name);
  const cached = { name, revision, storage, verify, signal, file: request.file };
  const offline = request.offline ?? isOfflineByEnvironment();
  if (offline)
    return {
      files: await cachedFiles(cached, [...smallFiles, ...vocabularyFiles], "offline is set"),
      notes: [],
    };
  // Not quoted: it is a secret.
  if (accessToken !== undefined && !/^[\x21-\x7e]+$/.test(accessToken))
    throw new CheckpointError("HUB", "the access token has characters that no token has");
  const hubUrl = (request.hubUrl ?? defaultHub).replace(/\/+$/, "");
  if (!URL.canParse(hubUrl) || !/^https?:\/\//.test(hubUrl))
    throw new CheckpointError(
      "HUB",
      `hubUrl must be the address of a hub, such as ${defaultHub}, got ${show(hubUrl)}`,
    );
  try {
    return await download({ hubUrl, accessToken, timeoutMs, signal }, cached, request.onProgress);
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof HubUnreachable)) throw isSystemError(cause) ? ioError(storage, cause) : cause;
    const reason = `the hub could not be reached (${cause.message})`;
    const files = await cachedFiles(cached, [...smallFiles, ...vocabularyFiles], reason, cause);
    return { files, notes: [`${reason}: using ${files.label} from the cache`] };
  }
}

/** The environment variables by which the Python tools are told to stay offline. */
function isOfflineByEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return /^(1|true|yes|on)$/i.test(env["HF_HUB_OFFLINE"] || env["TRANSFORMERS_OFFLINE"] || "");
}

async function download(
  connection: HubConnection,
  { name, revision, storage, verify, signal, file: wantedFile }: CachedRevision,
  onProgress: Request["onProgress"],
): Promise<{ files: CheckpointFiles; notes: string[] }> {
  const commit = await commitOf(connection, name, revision);
  if (typeof commit !== "string" || !isCommit(commit))
    throw new CheckpointError("HUB", `${name}: the hub must name a commit, got ${show(commit)}`);
  const listed = await listFiles(connection, name, commit);
  const snapshot = join(storage, "snapshots", commit);
  let doneBytes = 0;
  let totalBytes: number | undefined;
  const get = async (path: string, index?: string): Promise<void> => {
    const file = listed.get(path);
    if (!file)
      throw new CheckpointError(
        "INDEX",
        `${name}: ${index} names ${show(path)}, which the hub does not list`,
      );
    const start = doneBytes;
    const onBytes = (bytes: number) => {
      doneBytes = start + bytes;
      onProgress?.({ phase: "download", file: path, doneBytes, totalBytes });
    };
    const target = join(snapshot, path);
    if (await isWhole(target, file, verify, signal)) onBytes(file.size);
    else {
      const open = (offset: number) => openFile(connection, { name, commit, path }, offset);
      await linkSnapshot(await downloadBlob({ storage, file, open, onBytes, verify, signal }), target);
    }
    doneBytes = start + file.size;
  };

  const sizeOf = (paths: readonly string[]) =>
    paths.reduce((sum, path) => sum + (listed.get(path)?.size ?? 0), 0);
  const kind = weightFiles.find(({ single, index }) => listed.has(single) || listed.has(index));
  const gguf =
    kind === undefined || wantedFile !== undefined
      ? chooseGguf([...listed.keys()].filter(isPlainFileName), wantedFile, name)
      : undefined;
  if (gguf !== undefined) {
    totalBytes = sizeOf(gguf);
    for (const path of gguf) await get(path);
    await writeRef(storage, revision, commit);
    const files = await folderFiles(snapshot, snapshotLabel(name, commit));
    return { files: { ...files, list: () => Promise.resolve(gguf) }, notes: [] };
  }
  const wanted = listed.has("tokenizer.json") ? smallFiles : [...smallFiles, ...vocabularyFiles];
  const first = wanted.filter((path) => listed.has(path));
  if (kind === undefined) throw noWeights(name, `${weightFileNames}, or a GGUF file`);
  const isSingle = listed.has(kind.single);
  first.push(isSingle ? kind.single : kind.index);
  totalBytes = isSingle ? sizeOf(first) : undefined;
  for (const path of first) await get(path);
  if (!isSingle) {
    const shards = await shardNames(snapshot, kind);
    totalBytes = sizeOf([...first, ...shards]);
    for (const path of shards) await get(path, kind.index);
  }
  await writeRef(storage, revision, commit);
  return { files: await folderFiles(snapshot, snapshotLabel(name, commit)), notes: [] };
}

/** Remembers the commit of a branch or tag. */
async function writeRef(storage: string, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  await writeFiles(new Map([[join(storage, "refs", revision), new TextEncoder().encode(commit)]]));
}

/** True for an error of the file system, such as a full disk. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
