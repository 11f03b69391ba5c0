import { TrainError } from "../errors.ts";
import type { DataFile } from "./dataFile.ts";

/** The position of a line in the file. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly bytes: number;
}

/**
 * The lines of a file; at most `limit` bytes and one chunk are in memory.
 *
 * @param onChunk is called with each chunk of the file
 * @throws TrainError `DATA` for a line of more than `limit` bytes
 */
export async function* linesOf(
  file: DataFile,
  limit: number,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<{ line: Line; content: Buffer }, void, undefined> {
  let pending: Buffer[] = [];
  let bytes = 0;
  let [number, start] = [1, 0];
  const add = (chunk: Buffer) => {
    pending.push(chunk);
    bytes += chunk.length;
    if (bytes > limit)
      throw new TrainError("DATA", `${file.path}: line ${number} is longer than ${limit} bytes`);
  };
  const take = () => {
    const line = { number, start, bytes };
    const content = Buffer.concat(pending);
    number++;
    start += bytes + 1;
    pending = [];
    bytes = 0;
    return { line, content };
  };
  for await (const chunk of file.chunks()) {
    onChunk(chunk);
    let from = 0;
    for (let end; (end = chunk.indexOf(10, from)) !== -1; from = end + 1) {
      add(chunk.subarray(from, end));
      yield take();
    }
    add(chunk.subarray(from));
  }
  if (bytes > 0) yield take();
}
