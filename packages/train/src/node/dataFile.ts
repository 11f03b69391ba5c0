import { open } from "node:fs/promises";
import type { DataSource } from "../dataSource.ts";
import { TrainError } from "../errors.ts";

/** A source that reads a file, which stays open until `close`, which `await using` calls. */
export interface FileSource extends DataSource, AsyncDisposable {
  readonly count: number;
  close(): Promise<void>;
}

/** An open file. Only the bytes that are asked for are in memory. */
export interface DataFile {
  readonly path: string;
  /** Bytes, when the file was opened. */
  readonly size: number;
  /** @throws TrainError `DATA` when the file ends before `offset + length` */
  read(offset: number, length: number): Promise<Buffer>;
  /** The whole file in chunks, in order. */
  chunks(): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** @throws TrainError `DATA` when the file does not exist, cannot be read, or is not a regular file */
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
            `${path}: the file ends at byte ${offset + filled}, it had ${info.size} bytes when it was opened`,
          );
        }
        filled += bytesRead;
      }
      return bytes;
    },
    chunks: () => handle.createReadStream({ autoClose: false, start: 0 }) as AsyncIterable<Buffer>,
    close: () => handle.close(),
  };
}
