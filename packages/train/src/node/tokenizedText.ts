import { createHash } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Tokenizer } from "@mamba/core";
import { ifMissing, replaceFile } from "@mamba/files";
import { TrainError } from "../errors.ts";
import { type DataFile, type FileSource, openDataFile } from "./dataFile.ts";
import { checkLength, countExamples, exampleOfIds } from "./exampleOfIds.ts";
import { tokenChunks } from "./tokenChunks.ts";

export interface TokenizedTextOptions {
  /** Positions per example. */
  readonly length: number;
  readonly tokenizer: Tokenizer;
  /** The files that define the tokenizer, by name. Other contents are another tokenizer. */
  readonly tokenizerFiles: ReadonlyMap<string, Uint8Array>;
  /** Vocabulary of the model: the tokens must be below this. */
  readonly vocabSize: number;
  /** Folder for cached tokens. It is created when missing, and may be deleted at any time. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes done while the text is tokenized. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

// A token file: the tokens, then a trailer of the largest token, the number of tokens and the mark; all are u32, little
// endian.
const mark = 0x6b746d31;
const trailerBytes = 12;

/**
 * Text in UTF-8 as tokens: example i is tokens [i * length, (i + 1) * length), and the target of each position is the next
 * token. The text is tokenized once, chunk by chunk (see `tokenChunks`), into a file of `cacheFolder`. The file's name is a
 * hash of the text and the tokenizer, so a changed text or tokenizer has another file. Neither the text nor the tokens are
 * ever in memory as a whole.
 *
 * @throws TrainError `CONFIG` (length); `DATA` when the file cannot be read, is not UTF-8, cannot be cut, has fewer tokens
 * than an example needs, has tokens that the model does not have, or changes while it is read; the signal's reason
 */
export async function tokenizedText(path: string, options: TokenizedTextOptions): Promise<FileSource> {
  const { length, vocabSize } = options;
  checkLength(path, length);
  const { tokens, key } = await openTokens(path, options);
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
      count: countExamples(path, total, length, "tokens"),
      async example(index) {
        const { buffer, byteOffset } = await tokens.read(4 * index * length, 4 * (length + 1));
        const view = new DataView(buffer, byteOffset);
        const ids = Array.from({ length: length + 1 }, (_, i) => view.getUint32(4 * i, true));
        if (ids.some((id) => id > largest)) throw damaged(tokens);
        return exampleOfIds(ids);
      },
      close: () => tokens.close(),
      [Symbol.asyncDispose]: () => tokens.close(),
    };
  } catch (error) {
    await tokens.close();
    throw error;
  }
}

/** Opens the token file of a text, which is written first when the cache does not have it. */
async function openTokens(
  path: string,
  options: TokenizedTextOptions,
): Promise<{ tokens: DataFile; key: string }> {
  const text = await openDataFile(path);
  try {
    const textHash = await hashOf(text, options.signal);
    const all = createHash("sha256").update("tokens 1\n").update(textHash);
    for (const [name, bytes] of [...options.tokenizerFiles].sort(([a], [b]) => (a < b ? -1 : 1))) {
      all.update(`${name} ${bytes.length}\n`).update(bytes);
    }
    const key = all.digest("hex").slice(0, 32);
    const cached = join(options.cacheFolder, `${key}.tokens`);
    if ((await stat(cached).catch(ifMissing)) === undefined) {
      await mkdir(options.cacheFolder, { recursive: true });
      await replaceFile(cached, tokenBytes(text, textHash, options));
    }
    return { tokens: await openDataFile(cached), key };
  } finally {
    await text.close();
  }
}

async function hashOf(text: DataFile, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of text.chunks()) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}

/** The contents of the token file, chunk by chunk. */
async function* tokenBytes(
  text: DataFile,
  textHash: string,
  { tokenizer, signal, onProgress }: TokenizedTextOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  let done = 0;
  // The text is hashed again while it is tokenized, since it may have changed after the first time.
  const hashed: DataFile = {
    ...text,
    async *chunks() {
      for await (const chunk of text.chunks()) {
        signal?.throwIfAborted();
        hash.update(chunk);
        yield chunk;
        done += chunk.length;
        onProgress?.(done, text.size);
      }
    },
  };
  let total = 0;
  let largest = 0;
  for await (const ids of tokenChunks(hashed, tokenizer)) {
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

/** @throws TrainError `DATA` when the file is not a complete token file */
async function readTrailer(tokens: DataFile): Promise<{ total: number; largest: number }> {
  if (tokens.size < trailerBytes) throw damaged(tokens);
  const trailer = await tokens.read(tokens.size - trailerBytes, trailerBytes);
  const [largest, total] = [trailer.readUInt32LE(0), trailer.readUInt32LE(4)];
  if (trailer.readUInt32LE(8) !== mark || tokens.size !== 4 * total + trailerBytes) throw damaged(tokens);
  return { total, largest };
}

function damaged({ path }: DataFile): TrainError {
  return new TrainError("DATA", `${path}: not a complete token file; delete it, and it is written again`);
}
