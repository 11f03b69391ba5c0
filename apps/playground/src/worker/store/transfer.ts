import type { CheckpointFiles } from "@mamba/checkpoint/browser";
import { IncomingFile } from "./incomingFile.ts";
import { type DownloadedFile, downloadText, type DownloadRecord } from "./modelRecord.ts";
import { openSync, readFile, writeFile } from "./opfs.ts";
import type { Origin } from "./origin.ts";
import { checkRoom } from "./room.ts";

/** The record of an incomplete download. */
export const downloadName = "playground-download.json";
/** Files that wait for their rest beside the one that is being read. A browser has few connections to one server. */
const mostWaiting = 2;
/** A download that is continued begins this many bytes early: the last ones may not have reached the disk. */
const repeatedBytes = 4 * 2 ** 20;
const reportMs = 100;

/** Called with the bytes received so far and, where the origin announces them, their total. */
export type OnBytes = (done: number, total: number | undefined) => void;

/** Copies the files of one model from their origin into a folder: first what a check of the files reads, then the rest. */
export class Transfer {
  readonly #origin: Origin;
  readonly #folder: FileSystemDirectoryHandle;
  readonly #earlier: DownloadRecord | undefined;
  /** The part of the record that does not change. Undefined: the files cannot be continued later. */
  readonly #about: Pick<DownloadRecord, "name" | "url"> | undefined;
  readonly #onBytes: OnBytes;
  readonly #signal: AbortSignal;
  readonly #files = new Map<string, Promise<IncomingFile | undefined>>();
  #open: IncomingFile[] = [];
  /** The report to come: one in `reportMs`, also of the last bytes before the network stalls. */
  #report: ReturnType<typeof setTimeout> | undefined;

  constructor(
    origin: Origin,
    folder: FileSystemDirectoryHandle,
    about: Pick<DownloadRecord, "name" | "url"> | undefined,
    earlier: DownloadRecord | undefined,
    onBytes: OnBytes,
    signal: AbortSignal,
  ) {
    this.#origin = origin;
    this.#folder = folder;
    this.#about = about;
    this.#earlier = earlier;
    this.#onBytes = onBytes;
    this.#signal = signal;
  }

  /** Bytes that are in the folder. */
  get received(): number {
    return this.#open.reduce((sum, { received }) => sum + received, 0);
  }

  /** Bytes of all files; undefined while one is unknown. */
  get total(): number | undefined {
    return this.#open.reduce<number | undefined>(
      (sum, { size }) => (sum === undefined || size === undefined ? undefined : sum + size),
      0,
    );
  }

  /** True when the bytes are of use to a later download. */
  get canContinue(): boolean {
    return this.#about !== undefined && this.#open.some(({ version, received }) => version && received > 0);
  }

  /** The files for a check, which reads their headers. */
  get files(): CheckpointFiles {
    const { label, names } = this.#origin;
    return {
      label,
      ...(names && { list: () => Promise.resolve(names) }),
      open: async (name) => {
        const opened = this.#files.get(name) ?? this.#openFile(name);
        this.#files.set(name, opened);
        return (await opened)?.source;
      },
    };
  }

  /** Copies the rest of all files that were opened. */
  async complete(): Promise<void> {
    for (const file of this.#open) await file.complete();
    this.#stopReporting();
    this.#onBytes(this.received, this.total);
  }

  async close(): Promise<void> {
    this.#stopReporting();
    for (const file of this.#open) await file.close();
  }

  async #openFile(name: string): Promise<IncomingFile | undefined> {
    const file = await IncomingFile.open(name, await this.#received(name), {
      connect: (earlier) => this.#origin.open(name, earlier, this.#signal),
      openSync: () => openSync(this.#folder, name),
      onBytes: () => {
        this.#report ??= setTimeout(() => {
          this.#report = undefined;
          this.#onBytes(this.received, this.total);
        }, reportMs);
      },
      signal: this.#signal,
    });
    if (!file) return undefined;
    const waiting = this.#open.slice(-mostWaiting - 1, -mostWaiting);
    this.#open.push(file);
    for (const older of waiting) await older.disconnect();
    await this.#record();
    const { total, received } = this;
    if (total !== undefined) await checkRoom(this.#origin.label, total, received);
    return file;
  }

  /** The bytes of a file that an earlier download has left. */
  async #received(name: string) {
    const known = this.#earlier?.files.get(name);
    const file = known && (await readFile(this.#folder, name));
    const received = Math.min(file?.size ?? 0, known?.size ?? 0) - repeatedBytes;
    return { received: Math.max(0, received), version: known?.version };
  }

  /** Writes what a later download needs to go on. */
  async #record(): Promise<void> {
    if (!this.#about) return;
    const files = new Map<string, DownloadedFile>(this.#earlier?.files);
    for (const { name, size, version } of this.#open) {
      if (size !== undefined && version !== undefined) files.set(name, { size, version });
      else files.delete(name);
    }
    const text = downloadText({ ...this.#about, files });
    await writeFile(this.#folder, downloadName, new TextEncoder().encode(text));
  }

  #stopReporting(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
  }
}
