import { createHash } from "node:crypto";
import { basename } from "node:path";
import { show } from "@mamba/core/safetensors";
import { TrainError } from "../errors.ts";
import { type FileSource, openDataFile } from "./dataFile.ts";
import { type Line, linesOf } from "./lines.ts";

export interface TokenLinesOptions {
  /** Ids must be below this. */
  readonly vocabSize: number;
  /** Most positions per example; a line has at most one id more. */
  readonly length: number;
}

/** Most bytes of an id with its comma and its spaces. */
const bytesPerId = 32;

/**
 * Lines that are JSON arrays of token ids, one example each: the target of each position is the next id. All lines are
 * checked once, while the file streams through; only the position of each line stays in memory. Empty lines are skipped.
 *
 * @throws TrainError `CONFIG` (options); `DATA`, naming the line, when it is not an array of ids, has an id out of range,
 * has fewer than two ids, or has more than `length + 1`; and when the file has no examples
 */
export async function tokenLines(path: string, options: TokenLinesOptions): Promise<FileSource> {
  const { vocabSize, length } = options;
  for (const [field, value] of Object.entries({ vocabSize, length })) {
    if (Number.isInteger(value) && value >= 1 && value <= 2 ** 24) continue;
    throw new TrainError("CONFIG", `${path}: ${field} must be a whole number from 1 to 2^24, got ${value}`);
  }
  const file = await openDataFile(path);
  try {
    const hash = createHash("sha256");
    const lines: Line[] = [];
    for await (const { line, content } of linesOf(file, (length + 1) * bytesPerId, (chunk) =>
      hash.update(chunk),
    )) {
      const text = textOf(line, content);
      if (text.trim() === "") continue;
      parse(path, line.number, text, options);
      lines.push(line);
    }
    if (lines.length === 0) throw new TrainError("DATA", `${path}: the file has no examples`);
    const digest = hash.digest("hex").slice(0, 16);
    return {
      id: `token ids ${basename(path)}, sha256 ${digest}, length ${length}, vocabulary ${vocabSize}`,
      vocabSize,
      count: lines.length,
      async example(index) {
        const line = lines[index];
        if (!line) throw new RangeError(`${path}: there are ${lines.length} examples, got index ${index}`);
        const bytes = await file.read(line.start, line.bytes);
        const ids = parse(path, line.number, textOf(line, bytes), options);
        return { ids: ids.slice(0, -1), targets: ids.slice(1) };
      },
      close: () => file.close(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A file may begin with a byte order mark, as editors on Windows write it. */
function textOf({ start }: Line, content: Buffer): string {
  const text = content.toString("utf8");
  return start === 0 ? text.replace(/^\ufeff/, "") : text;
}

function parse(
  path: string,
  line: number,
  text: string,
  { vocabSize, length }: TokenLinesOptions,
): Int32Array {
  const wrong = (message: string, cause?: unknown) =>
    new TrainError("DATA", `${path}: line ${line}: ${message}`, { cause });
  let ids: unknown;
  try {
    ids = JSON.parse(text);
  } catch (cause) {
    throw wrong("not JSON", cause);
  }
  if (!Array.isArray(ids)) throw wrong("expected an array of token ids");
  const outside: unknown = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (outside !== undefined) {
    throw wrong(`ids must be whole numbers from 0 to ${vocabSize - 1}, got ${show(outside)}`);
  }
  if (ids.length < 2) throw wrong(`an example needs at least 2 ids, got ${ids.length}`);
  if (ids.length > length + 1)
    throw wrong(`an example has at most length + 1 = ${length + 1} ids, got ${ids.length}`);
  return Int32Array.from(ids as number[]);
}
