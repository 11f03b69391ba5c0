import { type Json, parseJsonObject, SafetensorsError } from "@mamba/core/safetensors";
import { TrainError } from "../errors.ts";
import type { DataFile } from "./dataFile.ts";
import { linesOf } from "./lines.ts";

/** The most bytes of a conversation in a file. */
export const longestRow = 16 * 2 ** 20;

/** A conversation of a data file, not parsed yet. */
export interface ChatRow {
  /** Names the row in messages: `chat.jsonl: line 3`. */
  readonly where: string;
  /** @throws TrainError `DATA` */
  json(): Json;
  /** Bytes of the file up to here. */
  readonly doneBytes: number;
}

/**
 * The conversations of a file of JSON lines. Blank lines are skipped.
 *
 * @throws TrainError `DATA` for a line of more than 16 MiB
 */
export async function* jsonRows(
  file: DataFile,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<ChatRow, void, undefined> {
  for await (const { line, content } of linesOf(file, longestRow, onChunk)) {
    if (content.every((byte) => byte <= 0x20)) continue;
    const where = `${file.path}: line ${line.number}`;
    yield { where, json: () => parse(content, where), doneBytes: line.start + line.bytes };
  }
}

/** @throws TrainError `DATA` when the text is not the JSON of an object, or has a key twice */
export function parse(content: Uint8Array, where: string): Json {
  try {
    return parseJsonObject(content, where);
  } catch (cause) {
    if (SafetensorsError.is(cause)) throw new TrainError("DATA", cause.message, { cause });
    throw cause;
  }
}
