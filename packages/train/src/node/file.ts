import { open } from "node:fs/promises";
import { TrainError } from "../errors.ts";
import type { DataSource } from "../dataSource.ts";

/** A source over a file that stays open until it is disposed. */
export interface FileSource extends DataSource, AsyncDisposable {
  readonly count: number;
}

/** A file whose bytes are read where they are needed, never as a whole. */
export interface DataFile {
  readonly path: string;
  readonly size: number;
  /** @throws TrainError `DATA` when the file has become shorter */
  read(offset: number, length: number): Promise<Buffer>;
  /** All of it, in pieces. */
  pieces(): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** @throws TrainError `DATA` when there is no such file, or it is not a regular one */
export async function openDataFile(path: string): Promise<DataFile> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TrainError("DATA", `${path}: ${reason}`, { cause });
  });
  const info = await handle.stat();
  if (!info.isFile()) {
    await handle.close();
    throw new TrainError("DATA", `${path}: not a regular file`);
  }
  return {
    path,
    size: info.size,
    async read(offset, length) {
      const bytes = Buffer.alloc(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) {
          throw new TrainError(
            "DATA",
            `${path}: the file ends at byte ${offset + filled}, it had ${info.size} when it was opened`,
          );
        }
        filled += bytesRead;
      }
      return bytes;
    },
    pieces: () => handle.createReadStream({ autoClose: false, start: 0 }) as AsyncIterable<Buffer>,
    close: () => handle.close(),
  };
}
