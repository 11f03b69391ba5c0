import { createHash } from "node:crypto";
import { basename } from "node:path";
import { type FileSource, openDataFile } from "./file.ts";
import { checkLength, countWindows, windowOf } from "./windows.ts";

export interface TextFileOptions {
  /** Positions per example. */
  readonly length: number;
}

/** Bytes of the file's beginning that go into the source's id, beside the size. */
const fingerprintBytes = 65536;

/**
 * Text as bytes, ids 0 to 255: example i is bytes [i * length, (i + 1) * length), and each position asks for the byte
 * that follows. Bytes are read when an example is asked for; the file may be larger than memory. A rest shorter than an
 * example is left out.
 *
 * @throws TrainError `CONFIG` (length); `DATA` when the file cannot be read or is shorter than one example
 */
export async function textFile(path: string, { length }: TextFileOptions): Promise<FileSource> {
  checkLength(path, length);
  const file = await openDataFile(path);
  try {
    const count = countWindows(path, file.size, length, "bytes");
    const hash = createHash("sha256")
      .update(await file.read(0, Math.min(file.size, fingerprintBytes)))
      .digest("hex");
    return {
      id: `text ${basename(path)}, ${file.size} bytes, begins with sha256 ${hash.slice(0, 16)}, length ${length}`,
      vocabSize: 256,
      count,
      example: async (index) => windowOf(await file.read(index * length, length + 1)),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
