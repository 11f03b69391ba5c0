import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { codeOf } from "../program/errors.ts";

/** Entries that are kept when the file has become twice as long. */
const mostEntries = 1000;
/** Longest entry that is kept, in characters. */
const longestEntry = 10_000;

/**
 * The file of the lines that were typed in chats: `MAMBA_HISTORY`, or `mamba/history` in the folder for state
 * (`XDG_STATE_HOME`, `~/.local/state`; `LOCALAPPDATA` on Windows). Undefined when `MAMBA_HISTORY` is empty.
 */
export function historyFile(
  env: Readonly<Record<string, string | undefined>>,
  platform: string = process.platform,
): string | undefined {
  const { MAMBA_HISTORY: chosen, XDG_STATE_HOME: state, LOCALAPPDATA: local } = env;
  if (chosen !== undefined) return chosen || undefined;
  const folder = state || (platform === "win32" && local) || join(homedir(), ".local", "state");
  return join(folder, "mamba", "history");
}

/** The lines that were typed, the oldest first. */
export class History {
  readonly #path: string | undefined;
  readonly #entries: string[];

  private constructor(path: string | undefined, entries: string[]) {
    this.#path = path;
    this.#entries = entries;
  }

  /**
   * Reads the file, where there is one.
   *
   * @param path undefined keeps the lines of this chat in memory alone
   * @throws errors of the file system
   */
  static async open(path: string | undefined): Promise<History> {
    const entries = path === undefined ? [] : await entriesOf(path);
    if (path !== undefined && entries.length > 2 * mostEntries) {
      const shorter = `${path}.${process.pid}.tmp`;
      entries.splice(0, entries.length - mostEntries);
      await writeFile(shorter, linesOf(entries), privately);
      await rename(shorter, path);
    }
    return new History(path, entries);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /**
   * Adds a line, and appends it to the file, which only its owner may read. A line that begins with a blank is not kept, nor one
   * that repeats the last.
   *
   * @throws errors of the file system
   */
  async add(line: string): Promise<void> {
    if (line.trim() === "" || line.startsWith(" ") || line.length > longestEntry) return;
    if (line === this.#entries.at(-1)) return;
    this.#entries.push(line);
    if (this.#path === undefined) return;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await appendFile(this.#path, linesOf([line]), privately);
  }
}

/** The mode of a file that is made here: its owner alone reads and writes it. */
const privately = { mode: 0o600 };

function linesOf(entries: readonly string[]): string {
  return entries.map((entry) => `${entry}\n`).join("");
}

async function entriesOf(path: string): Promise<string[]> {
  try {
    return (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
