import { lstat, readdir, realpath, rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import { show } from "@mamba/core/safetensors";
import { isStale, isTemporary, temporaryPath } from "@mamba/files";
import { CheckpointError } from "../errors.ts";
import { ggufGroups, matchGguf } from "../gguf/choose.ts";
import { ioError, isMissing } from "./folder.ts";
import { hubCacheFolder, repositoryFolder } from "./hubCache.ts";
import { activeDownload } from "./hubCacheActive.ts";
import type { CachedFile, CachedRevision } from "./hubCacheModel.ts";
import { type ScannedModel, scanModel } from "./hubCacheScan.ts";
import { isCachedName, splitFile } from "./hubName.ts";

/** Options of `removeCachedModel`. */
export interface RemoveOptions {
  /** Remove this revision alone: a branch, a tag, a commit, or at least 7 digits of one. Default: all revisions. */
  readonly revision?: string | undefined;
  /** Remove this file alone: a GGUF file by its name or the type in it, with its shards, or any other file by its name. */
  readonly file?: string | undefined;
  /** Default: the cache of the Python tools (`HF_HUB_CACHE`, `HF_HOME`, or `~/.cache/huggingface/hub`). */
  readonly cacheDir?: string | undefined;
  /** Remove nothing; the result says what would be removed. */
  readonly dryRun?: boolean | undefined;
}

/** Files that were removed from the cache, or would be. */
export interface RemovedModel {
  readonly name: string;
  /** The folder of its repository. */
  readonly path: string;
  /** True when nothing of the model is left. */
  readonly whole: boolean;
  /** The commits that were removed as a whole. */
  readonly revisions: readonly string[];
  /** The names of the files, without those of whole revisions. */
  readonly files: readonly string[];
  /** Bytes that became free on the disk. */
  readonly bytes: number;
}

/**
 * Removes a model from the hub's cache, or a revision or a file of it, with the blobs that nothing else uses. It removes entries of the
 * model's own folder and never follows a link out of it.
 *
 * @param model name on the hub, with `:Q4_K_M` or `:file.gguf` for one of its files; `gpt2` for a model without an organisation
 * @throws CheckpointError `NOT_FOUND` when the cache has no such model, revision or file; `AMBIGUOUS` when a type or an abbreviated
 * commit fits several; `IN_USE` when a process is downloading the model; `PATH` when the model's folder is a link; `IO`
 */
export async function removeCachedModel(model: string, options: RemoveOptions = {}): Promise<RemovedModel> {
  const { name, file = options.file } = splitFile(model);
  if (!isCachedName(name))
    throw new CheckpointError("NOT_FOUND", `${show(name)} is not the name of a model (organisation/name)`);
  const cache = options.cacheDir ?? hubCacheFolder();
  const path = repositoryFolder(cache, name);
  await checkFolder(path, name, cache);
  const reason = await activeDownload(path);
  if (reason !== undefined)
    throw new CheckpointError("IN_USE", `${name}: ${reason}; wait for its end, or stop it`);
  try {
    const scanned = await scanModel(path, name);
    const removal = planRemoval(scanned, options.revision, file);
    const { whole, revisions, files, bytes } = removal;
    if (!options.dryRun)
      await (whole ? removeFolder(path, cache) : removeParts(await realpath(path), removal));
    return { name, path, whole, revisions: revisions.map(({ commit }) => commit), files, bytes };
  } catch (error) {
    throw error instanceof Error && "syscall" in error ? ioError(path, error) : error;
  }
}

async function checkFolder(path: string, name: string, cache: string): Promise<void> {
  const info = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) throw new CheckpointError("NOT_FOUND", `${name} is not in the cache ${cache}`);
    throw ioError(path, error);
  });
  if (info.isSymbolicLink())
    throw new CheckpointError(
      "PATH",
      `${path} is a link; remove it, and the folder that it points to, by hand`,
    );
  if (!info.isDirectory()) throw new CheckpointError("PATH", `${path}: expected a folder, got a file`);
}

interface Removal {
  readonly whole: boolean;
  /** Revisions that are removed as a whole. */
  readonly revisions: readonly CachedRevision[];
  readonly files: readonly string[];
  /** Entries of other revisions, relative to `snapshots`. */
  readonly links: readonly string[];
  readonly blobs: readonly string[];
  readonly bytes: number;
}

function planRemoval(scanned: ScannedModel, revision: string | undefined, file: string | undefined): Removal {
  const everything = {
    ...{ whole: true, revisions: scanned.revisions, files: [], links: [], blobs: [] },
    bytes: scanned.bytes,
  };
  if (revision === undefined && file === undefined) return everything;
  // An entry that cannot be read may use any blob.
  const [problem] = scanned.problems;
  if (problem)
    throw new CheckpointError(
      "IO",
      `${problem.path}: ${problem.message}; what other revisions use cannot be known, so only the whole model can be removed`,
    );
  const among = revision === undefined ? scanned.revisions : [findRevision(scanned, revision)];
  const chosen = new Map(among.map((each) => [each, file === undefined ? each.files : filesOf(each, file)]));
  if (file !== undefined && [...chosen.values()].every((files) => files.length === 0))
    throw new CheckpointError(
      "NOT_FOUND",
      `${scanned.name}: the cache has no file of the name or type ${show(file)}`,
    );
  const isWhole = (each: CachedRevision) => {
    const count = chosen.get(each)?.length;
    return count === each.files.length && (file === undefined || count > 0);
  };
  if (scanned.revisions.every(isWhole)) return everything;

  const revisions = among.filter(isWhole);
  const kept = scanned.revisions.flatMap((each) =>
    each.files.filter((entry) => !chosen.get(each)?.includes(entry)),
  );
  const keptBlobs = new Set(kept.map(({ blob }) => blob));
  const removed = [...chosen.values()].flat();
  const sizes = new Map(
    removed.flatMap(({ blob, bytes }) => (blob !== undefined && !keptBlobs.has(blob) ? [[blob, bytes]] : [])),
  );
  const copies = removed.filter(({ blob }) => blob === undefined).map(({ bytes }) => bytes);
  const single = among
    .filter((each) => !isWhole(each))
    .flatMap((each) => (chosen.get(each) ?? []).map(({ name }) => ({ name, link: join(each.commit, name) })));
  return {
    whole: false,
    revisions,
    files: [...new Set(single.map(({ name }) => name))],
    links: single.map(({ link }) => link),
    blobs: [...sizes.keys()],
    bytes: [...sizes.values(), ...copies].reduce((sum, bytes) => sum + bytes, 0),
  };
}

function findRevision({ name, revisions }: ScannedModel, wanted: string): CachedRevision {
  const named = revisions.filter(({ refs, commit }) => refs.includes(wanted) || commit === wanted);
  const isAbbreviated = /^[0-9a-f]{7,39}$/.test(wanted);
  const found =
    named.length > 0 || !isAbbreviated ? named : revisions.filter(({ commit }) => commit.startsWith(wanted));
  const [revision, ...more] = found;
  if (revision === undefined)
    throw new CheckpointError("NOT_FOUND", `${name}: the cache has no revision ${show(wanted)}`);
  if (more.length > 0)
    throw new CheckpointError(
      "AMBIGUOUS",
      `${name}: ${found.length} revisions in the cache begin with ${wanted}`,
    );
  return revision;
}

/** The files of a revision that a name or a GGUF type stands for. */
function filesOf({ files, commit }: CachedRevision, wanted: string): readonly CachedFile[] {
  const groups = ggufGroups(files.map(({ name }) => name).filter((name) => !name.includes("/")));
  const [match, ...more] = matchGguf(
    groups.map(({ first }) => first),
    wanted,
  );
  if (more.length > 0)
    throw new CheckpointError(
      "AMBIGUOUS",
      `${commit.slice(0, 8)}: ${more.length + 1} GGUF models have the type ${show(wanted)}`,
    );
  const shards = groups.find(({ first }) => first === match)?.shards ?? [wanted];
  return files.filter(({ name }) => shards.includes(name));
}

/** Removes a model. Others see it whole or not at all, also when this process is killed meanwhile. */
async function removeFolder(path: string, cache: string): Promise<void> {
  const temporary = temporaryPath(path);
  await rename(path, temporary);
  await rm(temporary, { recursive: true });
  // Folders of processes that were killed here.
  for (const name of await readdir(cache)) {
    const rest = join(cache, name);
    if (name.startsWith(".models--") && isTemporary(name) && (await isStale(rest)))
      await rm(rest, { recursive: true, force: true });
  }
}

/** Removes revisions and files of a model. Blobs are removed last, so that no revision ever lacks one that it names. */
async function removeParts(root: string, { revisions, links, blobs }: Removal): Promise<void> {
  for (const { commit, refs } of revisions) {
    for (const ref of refs) await unlink(join(root, "refs", ref));
    await rm(join(root, "snapshots", commit), { recursive: true });
  }
  for (const link of links) await unlink(join(root, "snapshots", link));
  for (const blob of blobs) await unlink(join(root, "blobs", blob));
}
