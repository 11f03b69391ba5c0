import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isStale, isTemporary } from "@mamba/files";

/** A download that wrote to its file so recently may be in progress. */
const recentMs = 10_000;

/**
 * The reason to believe that a process is downloading a model; undefined when there is none. This library names the process in the
 * name of its file. The Python tools hold a lock on a file under `.locks`, which Linux lists; elsewhere the time of the last write is
 * all that can be known.
 */
export async function activeDownload(folder: string): Promise<string | undefined> {
  const blobs = join(folder, "blobs");
  for (const name of await namesIn(blobs)) {
    const path = join(blobs, name);
    if (isTemporary(name) && !(await isStale(path))) return `another process is writing ${path}`;
    if (!name.endsWith(".incomplete")) continue;
    const info = await stat(path).catch(() => undefined);
    const age = info ? Date.now() - info.mtimeMs : Infinity;
    if (age < recentMs)
      return `${path} was written ${Math.max(0, Math.round(age / 1000))} seconds ago: a download may be in progress`;
  }
  const locked = await lockedInodes();
  const locks = join(dirname(folder), ".locks", basename(folder));
  for (const name of locked.size > 0 ? await namesIn(locks) : []) {
    const path = join(locks, name);
    const info = await stat(path, { bigint: true }).catch(() => undefined);
    if (info && locked.has(String(info.ino))) return `another process holds the lock ${path}`;
  }
  return undefined;
}

/** The inodes of locked files on Linux: `1: FLOCK ADVISORY WRITE 4711 08:01:1234567 0 EOF`. */
async function lockedInodes(): Promise<ReadonlySet<string>> {
  const text = await readFile("/proc/locks", "utf8").catch(() => "");
  return new Set([...text.matchAll(/ [0-9a-f]+:[0-9a-f]+:(\d+) /g)].map(([, inode = ""]) => inode));
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
