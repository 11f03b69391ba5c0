import { createHash } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Tokenizer } from "@mamba/core";
import { replaceFile } from "@mamba/files";
import { TrainError } from "../errors.ts";
import { type DataFile, type FileSource, openDataFile } from "./file.ts";
import { tokenPieces } from "./token-pieces.ts";
import { checkLength, countWindows, windowOf } from "./windows.ts";

export interface TokenizedTextOptions {
  /** Positions per example. */
  readonly length: number;
  readonly tokenizer: Tokenizer;
  /** The files that make the tokenizer: other contents are another tokenizer. */
  readonly tokenizerFiles: ReadonlyMap<string, Uint8Array>;
  /** Of the model: the tokens must be below this. */
  readonly vocabSize: number;
  /** Where tokens are kept for the next time; made when it is not there, and may be removed at any time. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal | undefined;
  /** Called while the text is made into tokens, with the bytes done. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

// A file of tokens: u32 little endian, then the largest of them, how many there are, and the mark, u32 each.
const mark = 0x6b746d31;
const trailerBytes = 12;

/**
 * Text in UTF-8 as tokens: example i is tokens [i * length, (i + 1) * length), and each position asks for the token that
 * follows. The text becomes tokens once, piece by piece as `tokenPieces` cuts it, in a file of `cacheFolder` whose name is
 * a hash of the text and the tokenizer; a changed text or tokenizer has another name. Neither file is ever in memory as a
 * whole.
 *
 * @throws TrainError `CONFIG` (length); `DATA` when the file cannot be read, is not UTF-8, cannot be cut, gives fewer tokens
 * than an example needs or tokens that the model does not have, or changes meanwhile; the signal's reason
 */
export async function tokenizedText(path: string, options: TokenizedTextOptions): Promise<FileSource> {
  const { length, vocabSize, cacheFolder } = options;
  checkLength(path, length);
  const text = await openDataFile(path);
  let tokens: DataFile;
  let key: string;
  try {
    const textHash = await hashOf(text, options.signal);
    const all = createHash("sha256").update("tokens 1\n").update(textHash);
    for (const [name, bytes] of [...options.tokenizerFiles].sort(([a], [b]) => (a < b ? -1 : 1))) {
      all.update(`${name} ${bytes.length}\n`).update(bytes);
    }
    key = all.digest("hex").slice(0, 32);
    const cached = join(cacheFolder, `${key}.tokens`);
    if ((await stat(cached).catch(() => undefined)) === undefined) {
      await mkdir(cacheFolder, { recursive: true });
      await replaceFile(cached, tokenBytes(text, textHash, options));
    }
    tokens = await openDataFile(cached);
  } finally {
    await text.close();
  }
  try {
    const { total, largest } = await readTrailer(tokens);
    if (largest >= vocabSize) {
      throw new TrainError(
        "DATA",
        `${path}: the tokenizer gives the id ${largest}, the vocabulary ends at ${vocabSize - 1}`,
      );
    }
    return {
      id: `text ${basename(path)} as ${total} tokens, sha256 with its tokenizer ${key.slice(0, 16)}, length ${length}`,
      vocabSize,
      count: countWindows(path, total, length, "tokens"),
      async example(index) {
        const { buffer, byteOffset } = await tokens.read(4 * index * length, 4 * (length + 1));
        const view = new DataView(buffer, byteOffset);
        const ids = Array.from({ length: length + 1 }, (_, i) => view.getUint32(4 * i, true));
        if (ids.some((id) => id > largest)) throw damaged(tokens);
        return windowOf(ids);
      },
      [Symbol.asyncDispose]: () => tokens.close(),
    };
  } catch (error) {
    await tokens.close();
    throw error;
  }
}

async function hashOf(text: DataFile, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of text.pieces()) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  return hash.digest("hex");
}

/** The contents of the file of tokens. */
async function* tokenBytes(
  text: DataFile,
  textHash: string,
  { tokenizer, signal, onProgress }: TokenizedTextOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  let done = 0;
  // What is tokenised is hashed again: the text may have changed since.
  const watched: DataFile = {
    ...text,
    async *pieces() {
      for await (const piece of text.pieces()) {
        signal?.throwIfAborted();
        hash.update(piece);
        yield piece;
        done += piece.length;
        onProgress?.(done, text.size);
      }
    },
  };
  let total = 0;
  let largest = 0;
  for await (const ids of tokenPieces(watched, tokenizer)) {
    total += ids.length;
    for (const id of ids) largest = Math.max(largest, id);
    yield littleEndian(ids);
  }
  if (hash.digest("hex") !== textHash)
    throw new TrainError("DATA", `${text.path}: the file changes while it is read`);
  if (total >= 2 ** 32) throw new TrainError("DATA", `${text.path}: more than 2^32 tokens`);
  yield littleEndian([largest, total, mark]);
}

function littleEndian(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setUint32(4 * i, value, true));
  return new Uint8Array(view.buffer);
}

/** @throws TrainError `DATA` when this is no whole file of tokens */
async function readTrailer(tokens: DataFile): Promise<{ total: number; largest: number }> {
  if (tokens.size < trailerBytes) throw damaged(tokens);
  const trailer = await tokens.read(tokens.size - trailerBytes, trailerBytes);
  const [largest, total] = [trailer.readUInt32LE(0), trailer.readUInt32LE(4)];
  if (trailer.readUInt32LE(8) !== mark || tokens.size !== 4 * total + trailerBytes) throw damaged(tokens);
  return { total, largest };
}

function damaged({ path }: DataFile): TrainError {
  return new TrainError("DATA", `${path} is no whole file of tokens: remove it, and it is made again`);
}
