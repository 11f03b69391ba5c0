import { createHash } from "node:crypto";
import { basename } from "node:path";
import { type FileSource, openDataFile } from "./dataFile.ts";
import { checkLength, countExamples, exampleOfIds } from "./exampleOfIds.ts";

export interface TextFileOptions {
  /** Positions per example. */
  readonly length: number;
}

/** The source's `id` holds the hash of this many bytes at the beginning of the file, and the file's size. */
const fingerprintBytes = 65536;

/**
 * The bytes of a file as ids 0 to 255: example i is bytes [i * length, (i + 1) * length), and the target of each position
 * is the next byte. Bytes are read when an example is requested, so the file may be larger than memory. Bytes at the end
 * that do not fill an example are left out.
 *
 * @throws TrainError `CONFIG` (length); `DATA` when the file cannot be read or is shorter than one example
 */
export async function textFile(path: string, { length }: TextFileOptions): Promise<FileSource> {
  checkLength(path, length);
  const file = await openDataFile(path);
  try {
    const count = countExamples(path, file.size, length, "bytes");
    const hash = createHash("sha256")
      .update(await file.read(0, Math.min(file.size, fingerprintBytes)))
      .digest("hex");
    return {
      id: `text ${basename(path)}, ${file.size} bytes, begins with sha256 ${hash.slice(0, 16)}, length ${length}`,
      vocabSize: 256,
      count,
      example: async (index) => exampleOfIds(await file.read(index * length, length + 1)),
      close: () => file.close(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
