import { createHash, type Hash } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ChatError } from "@mamba/chat";
import { ifMissing, replaceFile } from "@mamba/files";
import { chatExamples, type ChatExamplesOptions } from "../chat/chatExamples.ts";
import { type Conversation, parseConversation } from "../chat/conversation.ts";
import { type DataSource } from "../dataSource.ts";
import { checkWhole } from "../data/dataError.ts";
import { TrainError } from "../errors.ts";
import { shuffledIndex } from "../shuffledIndex.ts";
import { type ChatReport, ChatStore, storeBytes, type StoredConversation } from "./chatStore.ts";
import { type ChatRow, jsonRows } from "./chatRows.ts";
import { type DataFile, type FileSource, openDataFile } from "./dataFile.ts";

export interface ChatFileOptions extends Omit<ChatExamplesOptions, "maxLength" | "now"> {
  /** The most positions of an example. Answers that do not fit are left out, and counted in the report. */
  readonly length: number;
  /** The files that define the tokenizer, by name. Other contents are another tokenizer. */
  readonly tokenizerFiles: ReadonlyMap<string, Uint8Array>;
  /** Vocabulary of the model: the tokens must be below this. */
  readonly vocabSize: number;
  /** Leave out conversations that are damaged, that the template refuses or that have nothing to learn, and count them. Default: an error. */
  readonly skipDamaged?: boolean | undefined;
  /** Folder for cached tokens. It is created when missing, and may be deleted at any time. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes done while the conversations are tokenized. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Examples of conversations. */
export interface ChatSource extends DataSource {
  readonly count: number;
  /** The conversation that an example comes from. */
  conversation(example: number): Promise<Conversation>;
}

/** The conversations of a file. */
export interface ChatFile extends ChatSource, FileSource {
  readonly report: ChatReport;
  /**
   * Divides the conversations, chosen by the seed, into those to train on and those to evaluate on. Examples of one conversation stay
   * together.
   *
   * @param heldOut fraction of the conversations, above 0 and below 1
   * @throws TrainError `CONFIG` (heldOut), `DATA` when there are too few conversations
   */
  readonly split: (
    heldOut: number,
    seed?: number,
  ) => { readonly train: ChatSource; readonly heldOut: ChatSource };
}

/**
 * Conversations as examples, see `chatExamples`: JSON lines in the form that `parseConversation` reads, or Parquet with a column
 * `messages` (lists of structs, or texts of JSON) and perhaps `tools`. The conversations are
 * rendered and tokenized once, one by one, into a file of `cacheFolder`, whose name is a hash of the data, the tokenizer, the
 * template and the options.
 *
 * A template that writes the date gets the day on which the file was changed.
 *
 * @throws TrainError `CONFIG` (length); `DATA`, naming the line, when the file cannot be read, a conversation is damaged, has nothing
 * to learn or is refused by the template (see `skipDamaged`), has tokens that the model does not have, no example fits, or the file
 * changes while it is read; ChatError `TEMPLATE_LIMIT`; the signal's reason
 */
export async function chatFile(path: string, options: ChatFileOptions): Promise<ChatFile> {
  checkWhole(path, { length: options.length });
  const { store, key } = await openStore(path, options);
  try {
    const { largest, report } = store;
    if (largest >= options.vocabSize) {
      const last = options.vocabSize - 1;
      throw new TrainError(
        "DATA",
        `${path}: the tokenizer gives the id ${largest}, the vocabulary ends at ${last}`,
      );
    }
    if (store.count === 0) throw new TrainError("DATA", `${path}: ${noExamples(report, options.length)}`);
    const id = `conversations ${basename(path)}, sha256 with tokenizer and template ${key.slice(0, 16)}, length ${options.length}`;
    const source: ChatSource = {
      id,
      vocabSize: options.vocabSize,
      count: store.count,
      example: (index) => store.example(index),
      conversation: (index) => store.conversation(index),
    };
    return {
      ...source,
      report,
      split: (heldOut, seed = 0) => split(source, store, heldOut, seed),
      close: () => store.close(),
      [Symbol.asyncDispose]: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function noExamples({ dropped, skipped }: ChatReport, length: number): string {
  if (dropped > 0)
    return `no answer fits ${length} positions with the messages before it; a longer length is needed`;
  if (skipped > 0) return "all conversations are damaged or have nothing to learn";
  return "the file has no conversations";
}

function split(
  source: ChatSource,
  store: ChatStore,
  heldOut: number,
  seed: number,
): ReturnType<ChatFile["split"]> {
  if (!(heldOut > 0 && heldOut < 1)) {
    throw new TrainError("CONFIG", `heldOut must be a number above 0 and below 1, got ${String(heldOut)}`);
  }
  const total = store.conversations;
  const held = Math.max(1, Math.round(total * heldOut));
  if (held >= total) {
    throw new TrainError(
      "DATA",
      `${source.id}: expected at least 2 conversations, to hold out ${held} and train on the rest, got ${total}`,
    );
  }
  const part = (name: string, first: number, size: number): ChatSource => {
    const examples = Array.from({ length: size }, (_, i) => shuffledIndex(first + i, total, seed)).flatMap(
      (index) => store.examplesOf(index),
    );
    const at = (index: number): number => {
      const found = examples[index];
      if (found === undefined)
        throw new RangeError(`${source.id}: there are ${examples.length} examples, got index ${index}`);
      return found;
    };
    return {
      ...source,
      id: `${source.id}, ${name} (${size} of ${total}, seed ${seed})`,
      count: examples.length,
      example: (index) => source.example(at(index)),
      conversation: (index) => source.conversation(at(index)),
    };
  };
  return { heldOut: part("held out", 0, held), train: part("to train on", held, total - held) };
}

async function openStore(path: string, options: ChatFileOptions): Promise<{ store: ChatStore; key: string }> {
  const file = await openDataFile(path);
  try {
    // A template with the date of today would make other examples tomorrow.
    const { mtime } = await stat(path);
    const now = new Date(Date.UTC(mtime.getFullYear(), mtime.getMonth(), mtime.getDate(), 12));
    const dataHash = await hashOf(file, options.signal);
    const key = keyOf(dataHash, now, options);
    const cached = join(options.cacheFolder, `${key}.chat`);
    if ((await stat(cached).catch(ifMissing)) === undefined) {
      await mkdir(options.cacheFolder, { recursive: true });
      await replaceFile(cached, storeBytes(path, conversations(file, dataHash, now, options)));
    }
    return { store: await ChatStore.open(cached), key };
  } finally {
    await file.close();
  }
}

async function hashOf(file: DataFile, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of file.chunks()) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}

function keyOf(dataHash: string, now: Date, options: ChatFileOptions): string {
  const { length, template, variables = {}, skipDamaged = false, tokenizerFiles, tokenizer } = options;
  const writesDate = `${template.source}${template.toolSource}`.includes("strftime_now");
  const settings = {
    length,
    skipDamaged,
    variables,
    stopIds: tokenizer.stopIds,
    now: writesDate ? now : undefined,
  };
  const all = createHash("sha256").update(`conversations 1\n${dataHash}\n${JSON.stringify(settings)}\n`);
  for (const [name, bytes] of [...tokenizerFiles].sort(([a], [b]) => (a < b ? -1 : 1))) {
    all.update(`${name} ${bytes.length}\n`).update(bytes);
  }
  return all.update(template.source).update(template.toolSource).digest("hex").slice(0, 32);
}

/** The conversations of the file with their examples, one after the other. */
async function* conversations(
  file: DataFile,
  dataHash: string,
  now: Date,
  options: ChatFileOptions,
): AsyncGenerator<StoredConversation, void, undefined> {
  const { signal, onProgress, skipDamaged = false } = options;
  const hash = createHash("sha256");
  for await (const row of rowsOf(file, hash, signal)) {
    signal?.throwIfAborted();
    try {
      yield convert(row, now, options);
    } catch (error) {
      if (!skipDamaged || !TrainError.is(error, "DATA")) throw error;
      yield { skipped: error.message };
    }
    onProgress?.(row.doneBytes, file.size);
  }
  // The file is hashed again while it is tokenized, since it may have changed after the first time.
  if (hash.digest("hex") !== dataHash)
    throw new TrainError("DATA", `${file.path}: the file changes while it is read`);
}

/** The rows of a file, by its first bytes. Adds all bytes of the file to `hash`. */
async function* rowsOf(
  file: DataFile,
  hash: Hash,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChatRow, void, undefined> {
  const start = (await file.read(0, Math.min(4, file.size))).toString("latin1");
  if (start === "PAR1") {
    const { parquetRows } = await import("./parquetRows.ts");
    yield* parquetRows(file, signal);
    for await (const chunk of file.chunks()) hash.update(chunk);
    return;
  }
  if (start.startsWith("\x1f\x8b")) {
    throw new TrainError(
      "DATA",
      `${file.path}: expected JSON lines or Parquet, got a gzip file; unpack it first`,
    );
  }
  if (start.startsWith("[")) {
    const expected = "expected JSON lines, an object in each line";
    throw new TrainError("DATA", `${file.path}: ${expected}, got one JSON array`);
  }
  yield* jsonRows(file, (chunk) => hash.update(chunk));
}

function convert(row: ChatRow, now: Date, options: ChatFileOptions): StoredConversation {
  const { where } = row;
  const conversation = parseConversation(row.json(), where);
  const wrong = (reason: string, cause?: unknown) => new TrainError("DATA", `${where}: ${reason}`, { cause });
  try {
    const found = chatExamples(conversation, { ...options, maxLength: options.length, now });
    if (found.answers + found.dropped === 0) {
      throw wrong("there is nothing to learn: no message of the assistant follows one of the user");
    }
    return { conversation, ...found };
  } catch (error) {
    if (ChatError.is(error)) throw wrong(error.message, error);
    if (TrainError.is(error, "DATA") && !error.message.startsWith(where)) throw wrong(error.message, error);
    throw error;
  }
}
