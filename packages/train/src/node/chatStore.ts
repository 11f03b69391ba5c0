import type { ChatExamples } from "../chat/chatExamples.ts";
import type { Conversation } from "../chat/conversation.ts";
import type { Example } from "../dataSource.ts";
import { TrainError } from "../errors.ts";
import { type DataFile, openDataFile } from "./dataFile.ts";

/** A conversation on its way into the store, or the reason why it is left out. */
export type StoredConversation =
  ({ readonly conversation: Conversation } & ChatExamples) | { readonly skipped: string };

/** Counts of the conversations of a file. */
export interface ChatReport {
  /** Conversations with at least one example. */
  readonly conversations: number;
  readonly examples: number;
  /** Answers that are learned. */
  readonly answers: number;
  /** Positions of all examples. */
  readonly positions: number;
  /** Targets of all examples. */
  readonly targets: number;
  /** Answers that do not fit the length. */
  readonly dropped: number;
  /** Conversations none of whose answers fits the length. */
  readonly tooLong: number;
  /** Conversations that were left out since they are damaged or have nothing to learn. */
  readonly skipped: number;
  /** The message about the first that was left out. */
  readonly firstSkipped: string | undefined;
}

// A store, all numbers little endian: for each conversation its JSON, and for each of its examples the ids and then the targets
// (i32); then the index: for each conversation the bytes of its JSON, the number of its examples, and the length of each (u32);
// then the report as JSON; then a trailer of the bytes of the index, the bytes of the report, the largest id and the mark (u32).
const mark = 0x6b746d43;
const trailerBytes = 16;

/** The contents of a store, chunk by chunk. @param path of the data, for messages */
export async function* storeBytes(
  path: string,
  conversations: AsyncIterable<StoredConversation>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const index: number[] = [];
  const sums = {
    conversations: 0,
    examples: 0,
    answers: 0,
    positions: 0,
    targets: 0,
    dropped: 0,
    tooLong: 0,
    skipped: 0,
  };
  let firstSkipped: string | undefined;
  let largest = 0;
  for await (const entry of conversations) {
    if ("skipped" in entry) {
      sums.skipped++;
      firstSkipped ??= entry.skipped;
      continue;
    }
    const { conversation, examples, answers, dropped } = entry;
    sums.dropped += dropped;
    sums.answers += answers;
    if (examples.length === 0) {
      sums.tooLong++;
      continue;
    }
    sums.conversations++;
    sums.examples += examples.length;
    const json = new TextEncoder().encode(JSON.stringify(conversation));
    index.push(json.length, examples.length, ...examples.map(({ ids }) => ids.length));
    yield json;
    for (const { ids, targets } of examples) {
      sums.positions += ids.length;
      for (const id of ids) largest = Math.max(largest, id);
      for (const target of targets) {
        largest = Math.max(largest, target);
        if (target >= 0) sums.targets++;
      }
      yield littleEndian(ids);
      yield littleEndian(targets);
    }
  }
  const bytes = littleEndian(index);
  const report = new TextEncoder().encode(JSON.stringify({ ...sums, firstSkipped } satisfies ChatReport));
  if (bytes.length >= 2 ** 32) throw new TrainError("DATA", `${path}: more than 2^29 examples`);
  yield bytes;
  yield report;
  yield littleEndian([bytes.length, report.length, largest, mark]);
}

function littleEndian(values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (let i = 0; i < values.length; i++) view.setUint32(4 * i, values[i] ?? 0, true);
  return new Uint8Array(view.buffer);
}

/** The places of the conversations and examples of a store. */
interface Index {
  /** For each example: the offset of its ids, its length, and its conversation. */
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  readonly conversations: Uint32Array;
  /** For each conversation: the offset and the bytes of its JSON, and the first of its examples. */
  readonly textOffsets: Float64Array;
  readonly textBytes: Uint32Array;
  readonly firsts: Uint32Array;
}

/** Conversations and their examples in a file; the index alone is in memory. */
export class ChatStore {
  readonly report: ChatReport;
  /** The largest id and target. */
  readonly largest: number;
  readonly #file: DataFile;
  readonly #index: Index;

  private constructor(file: DataFile, largest: number, report: ChatReport, index: Index) {
    this.#file = file;
    this.largest = largest;
    this.report = report;
    this.#index = index;
  }

  /** @throws TrainError `DATA` when the file is not a complete store */
  static async open(path: string): Promise<ChatStore> {
    const file = await openDataFile(path);
    try {
      if (file.size < trailerBytes) throw damaged(file);
      const trailer = await file.read(file.size - trailerBytes, trailerBytes);
      const [indexBytes, reportBytes] = [trailer.readUInt32LE(0), trailer.readUInt32LE(4)];
      const start = file.size - trailerBytes - reportBytes - indexBytes;
      if (trailer.readUInt32LE(12) !== mark || start < 0) throw damaged(file);
      const index = await file.read(start, indexBytes);
      const report = await file.read(start + indexBytes, reportBytes);
      const facts = JSON.parse(report.toString("utf8")) as ChatReport;
      const parsed = parseIndex(index, facts);
      if (parsed?.end !== start) throw damaged(file);
      return new ChatStore(file, trailer.readUInt32LE(8), facts, parsed);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Number of examples. */
  get count(): number {
    return this.report.examples;
  }

  get conversations(): number {
    return this.report.conversations;
  }

  async example(index: number): Promise<Example> {
    this.#check(index);
    const { offsets, lengths } = this.#index;
    const length = lengths[index] ?? 0;
    const bytes = await this.#file.read(offsets[index] ?? 0, 8 * length);
    const numbers = Int32Array.from({ length: 2 * length }, (_, i) => bytes.readInt32LE(4 * i));
    return { ids: numbers.subarray(0, length), targets: numbers.subarray(length) };
  }

  /** The conversation of an example. */
  async conversation(index: number): Promise<Conversation> {
    this.#check(index);
    const { conversations, textOffsets, textBytes } = this.#index;
    const at = conversations[index] ?? 0;
    const bytes = await this.#file.read(textOffsets[at] ?? 0, textBytes[at] ?? 0);
    return JSON.parse(bytes.toString("utf8")) as Conversation;
  }

  /** The examples of a conversation. */
  examplesOf(conversation: number): number[] {
    const { firsts } = this.#index;
    const first = firsts[conversation] ?? 0;
    return Array.from({ length: (firsts[conversation + 1] ?? this.count) - first }, (_, i) => first + i);
  }

  #check(index: number): void {
    if (index >= 0 && index < this.count) return;
    throw new RangeError(`${this.#file.path}: there are ${this.count} examples, got index ${index}`);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function damaged({ path }: DataFile): TrainError {
  return new TrainError(
    "DATA",
    `${path}: not a complete file of examples; delete it, and it is written again`,
  );
}

/** Undefined when the index does not fit the report. */
function parseIndex(bytes: Buffer, report: ChatReport): (Index & { readonly end: number }) | undefined {
  const { examples, conversations: texts } = report;
  if (bytes.length !== 4 * (2 * texts + examples)) return undefined;
  const [offsets, lengths, conversations] = [
    new Float64Array(examples),
    new Uint32Array(examples),
    new Uint32Array(examples),
  ];
  const [textOffsets, textBytes, firsts] = [
    new Float64Array(texts),
    new Uint32Array(texts),
    new Uint32Array(texts),
  ];
  let [at, example, offset] = [0, 0, 0];
  const next = () => bytes.readUInt32LE((at += 4) - 4);
  for (let text = 0; text < texts; text++) {
    const [size, count] = [next(), next()];
    textOffsets[text] = offset;
    textBytes[text] = size;
    firsts[text] = example;
    offset += size;
    // Counts that are too large would read beyond the index.
    if (count > examples - example) return undefined;
    for (let i = 0; i < count; i++, example++) {
      const length = next();
      offsets[example] = offset;
      lengths[example] = length;
      conversations[example] = text;
      offset += 8 * length;
    }
  }
  return { offsets, lengths, conversations, textOffsets, textBytes, firsts, end: offset };
}
