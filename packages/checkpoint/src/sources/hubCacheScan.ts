import type { Dirent } from "node:fs";
import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { isTemporary } from "@mamba/files";
import { messageOf } from "../errors.ts";
import { isCommit } from "./hubCache.ts";
import type { CachedFile, CachedModel, CachedRevision, CacheProblem } from "./hubCacheModel.ts";
import { weightsOf } from "./hubCacheWeights.ts";
import { isMissing } from "./folder.ts";

// Other programs write to the cache too, so nothing in it is trusted: links are followed to the blobs of the same repository only,
// folders that are links not at all, and depth and counts are bounded. An entry that is not as it should be becomes a problem.

const mostEntries = 10_000;
const deepest = 16;
/** Longest file of a ref that is read, in bytes. */
const longestRef = 1000;

/** A repository of the cache as it was found. */
export interface ScannedModel extends CachedModel {
  readonly problems: readonly CacheProblem[];
}

/**
 * Reads the repository of a model in the cache.
 *
 * @throws errors of the file system when the folder itself cannot be read
 */
export async function scanModel(path: string, name: string): Promise<ScannedModel> {
  const root = await realpath(path);
  await readdir(root);
  const problems: CacheProblem[] = [];
  const report = (at: string, message: string) => void problems.push({ path: at, message });

  const blobs = await scanBlobs(join(root, "blobs"), report);
  const refs = await scanRefs(join(root, "refs"), report);
  const revisions: CachedRevision[] = [];
  let copies = 0;
  for (const entry of await entriesOf(join(root, "snapshots"), report)) {
    const folder = join(root, "snapshots", entry.name);
    if (!entry.isDirectory() || !isCommit(entry.name)) {
      report(folder, "it is not the folder of a commit");
      continue;
    }
    const found = await scanSnapshot(folder, root, report);
    const weights = await weightsOf(folder, found.files, found.dangling, report);
    copies += sum(found.files.filter(({ blob }) => blob === undefined).map(({ bytes }) => bytes));
    revisions.push({
      commit: entry.name,
      refs: refs.get(entry.name) ?? [],
      path: join(path, "snapshots", entry.name),
      files: found.files,
      bytes: distinctBytes(found.files),
      weights,
      complete: weights.some(({ missing }) => missing.length === 0),
    });
  }
  revisions.sort((a, b) => b.refs.length - a.refs.length || (a.commit < b.commit ? -1 : 1));

  const weightNames = revisions.flatMap(({ files }) =>
    files.filter((file) => isWeights(file)).map(({ blob }) => blob),
  );
  const used = [...blobs.values()].filter(({ name: blob }) => weightNames.includes(blob));
  const latest = Math.max(...used.map(({ readMs }) => readMs));
  return {
    ...{ name, path, revisions, problems },
    bytes: sum([...blobs.values()].map(({ bytes }) => bytes)) + copies,
    incompleteBytes: sum([...blobs.values()].filter(isIncomplete).map(({ bytes }) => bytes)),
    lastUsed: Number.isFinite(latest) ? new Date(latest) : undefined,
  };
}

type Report = (path: string, message: string) => void;

interface Blob {
  readonly name: string;
  readonly bytes: number;
  readonly readMs: number;
}

/** True for a blob whose download has not ended: of this library, or of the Python tools. */
function isIncomplete({ name }: { readonly name: string }): boolean {
  return name.endsWith(".incomplete") || isTemporary(name);
}

async function scanBlobs(folder: string, report: Report): Promise<ReadonlyMap<string, Blob>> {
  const blobs = new Map<string, Blob>();
  for (const entry of await entriesOf(folder, report)) {
    const path = join(folder, entry.name);
    const info = entry.isFile()
      ? await lstat(path).catch((error: unknown) => skip(path, error, report))
      : undefined;
    if (info) blobs.set(entry.name, { name: entry.name, bytes: info.size, readMs: info.atimeMs });
    else if (!entry.isFile()) report(path, "it is not a regular file");
  }
  return blobs;
}

/** The names of branches and tags by the commit that each points to. */
async function scanRefs(folder: string, report: Report): Promise<ReadonlyMap<string, readonly string[]>> {
  const refs = new Map<string, string[]>();
  for (const { path, entry } of await filesUnder(folder, report)) {
    const info = entry.isFile()
      ? await lstat(path).catch((error: unknown) => skip(path, error, report))
      : undefined;
    const text =
      info && info.size <= longestRef
        ? (await readFile(path, "utf8").catch((error: unknown) => skip(path, error, report)))?.trim()
        : undefined;
    if (text === undefined || !isCommit(text)) report(path, "it does not name a commit");
    else refs.set(text, [...(refs.get(text) ?? []), relative(folder, path).split(sep).join("/")].sort());
  }
  return refs;
}

async function scanSnapshot(
  folder: string,
  root: string,
  report: Report,
): Promise<{ files: CachedFile[]; dangling: string[] }> {
  const files: CachedFile[] = [];
  const dangling: string[] = [];
  for (const { path, entry } of await filesUnder(folder, report)) {
    const name = relative(folder, path).split(sep).join("/");
    try {
      const real = await realpath(path);
      const inBlobs = relative(join(root, "blobs"), real);
      const isBlob = inBlobs !== "" && !inBlobs.includes(sep) && inBlobs !== "..";
      const info = await stat(real);
      if (entry.isSymbolicLink() && !isBlob)
        report(path, "it is a link to a place that is no blob of its repository");
      else if (!info.isFile()) report(path, "it is not a regular file");
      else files.push({ name, bytes: info.size, blob: isBlob ? inBlobs : undefined });
    } catch (error) {
      if (isMissing(error)) dangling.push(name);
      else report(path, messageOf(error));
    }
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { files, dangling: dangling.sort() };
}

/** All entries below a folder that are no folders. */
async function filesUnder(
  folder: string,
  report: Report,
): Promise<{ readonly path: string; readonly entry: Dirent }[]> {
  const found: { path: string; entry: Dirent }[] = [];
  const open = [{ path: folder, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > deepest) {
      report(next.path, `it is more than ${deepest} folders deep`);
      continue;
    }
    for (const entry of await entriesOf(next.path, report)) {
      const path = join(next.path, entry.name);
      if (entry.isDirectory()) open.push({ path, depth: next.depth + 1 });
      else if (found.push({ path, entry }) > mostEntries) {
        report(folder, `it has more than ${mostEntries} files`);
        return found;
      }
    }
  }
  return found;
}

/** The entries of a folder. One that is a link is not followed; one that is not there has none. */
async function entriesOf(folder: string, report: Report): Promise<Dirent[]> {
  try {
    if (!(await lstat(folder)).isDirectory()) {
      report(folder, "it is not a folder");
      return [];
    }
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    skip(folder, error, report);
    return [];
  }
}

/** Reports an error of the file system, except that an entry has gone meanwhile. */
function skip(path: string, error: unknown, report: Report): undefined {
  if (!isMissing(error)) report(path, messageOf(error));
}

function isWeights({ name }: CachedFile): boolean {
  return /\.(safetensors|bin|gguf)$/i.test(name);
}

/** Bytes of files; a blob that several of them link to counts once. */
function distinctBytes(files: readonly CachedFile[]): number {
  const byContent = new Map(files.map((file) => [file.blob ?? `/${file.name}`, file.bytes]));
  return sum([...byContent.values()]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
