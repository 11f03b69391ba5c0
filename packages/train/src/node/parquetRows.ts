import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { resolve as resolvePath } from "node:path";
import { pathToFileURL } from "node:url";
import type { Json } from "@mamba/core/safetensors";
import { TrainError } from "../errors.ts";
import { type ChatRow, longestRow, parse } from "./chatRows.ts";
import type { DataFile } from "./dataFile.ts";

/** Seconds that a group of rows may take, besides one for each megabyte of the file. */
const limitSeconds = 10;
/** Megabytes that the values of one group of rows may take. */
const heapMb = 2048;
/** The most bytes of the descriptions at the end of the file. */
const longestMetadata = 16 * 2 ** 20;

/** The answers of the process. */
type Answer =
  | { readonly groups: number }
  | { readonly rows: readonly string[]; readonly firstRow: number; readonly end: number }
  | { readonly error: string };

/**
 * The program of the process that decodes a file. It answers a request without a group by the number of groups of rows, and a group's
 * index by its rows as JSON: `{ messages, tools? }` from the columns of these names, which hold lists of structs or texts of JSON.
 */
const program = `
const { openSync, readSync } = require("node:fs");
const zlib = require("node:zlib");
const { path, size, library, longestMetadata } = JSON.parse(process.argv[1]);
const file = openSync(path, "r");
const read = (start, end) => {
  if (!(start >= 0 && end >= start && end <= size)) throw new Error("bytes " + start + " to " + end + " lie outside of the file");
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(file, bytes, at, bytes.length - at, start + at);
    if (count === 0) throw new Error("the file ends at byte " + (start + at));
    at += count;
  }
  return bytes.buffer;
};
const buffer = { byteLength: size, slice: (start, end = size) => read(start < 0 ? size + start : start, end) };
const inflate = (name) => (bytes, length) => {
  if (!zlib[name]) throw new Error("ZSTD needs a newer version of Node");
  return new Uint8Array(zlib[name](bytes, { maxOutputLength: Math.max(length, 1) }));
};
let opened;
async function open() {
  const hyparquet = await import(library);
  if (size < 12) throw new Error("the file is too short");
  const length = new DataView(read(size - 8, size - 4)).getUint32(0, true);
  if (length > longestMetadata) throw new Error("its metadata have " + length + " bytes");
  const metadata = await hyparquet.parquetMetadataAsync(buffer, { geoparquet: false });
  const names = hyparquet.parquetSchema(metadata).children.map(({ element }) => element.name);
  const column = ["messages", "conversations"].find((name) => names.includes(name));
  if (!column) throw new Error("expected a column messages, got " + (names.slice(0, 20).join(", ") || "none"));
  const columns = [column, ...(names.includes("tools") ? ["tools"] : [])];
  const compressors = {
    GZIP: inflate("gunzipSync"),
    BROTLI: inflate("brotliDecompressSync"),
    ZSTD: inflate("zstdDecompressSync"),
    SNAPPY(bytes, length) {
      // An element of three bytes gives 64 at most.
      if (!(length <= 64 * bytes.length)) throw new Error("a page of " + bytes.length + " bytes cannot hold " + length);
      const output = new Uint8Array(length);
      hyparquet.snappyUncompress(bytes, output);
      return output;
    },
  };
  let rowStart = 0;
  const groups = metadata.row_groups.map(({ num_rows, columns: chunks }) => {
    const rows = Number(num_rows);
    const ends = chunks.map(({ meta_data: data }) =>
      Number(data.dictionary_page_offset ?? data.data_page_offset) + Number(data.total_compressed_size));
    return { rowStart: rowStart, rowEnd: (rowStart += rows), end: Math.max(0, ...ends) };
  });
  return { hyparquet, metadata, columns, column, compressors, groups };
}
const plain = (_, value) => {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) throw new Error("expected texts, got bytes");
  return value;
};
async function answer(group) {
  opened ??= await open();
  const { hyparquet, metadata, columns, column, compressors, groups } = opened;
  if (group === undefined) return { groups: groups.length };
  const { rowStart, rowEnd, end } = groups[group];
  const rows = await hyparquet.parquetReadObjects({ file: buffer, metadata, columns, compressors, rowStart, rowEnd });
  if (rows.length !== rowEnd - rowStart) throw new Error("expected " + (rowEnd - rowStart) + " rows, got " + rows.length);
  const json = (value) => typeof value === "string" ? value : JSON.stringify(value ?? null, plain);
  return {
    rows: rows.map((row) => '{"messages":' + json(row[column]) + (row.tools == null ? "" : ',"tools":' + json(row.tools)) + "}"),
    firstRow: rowStart,
    end,
  };
}
process.on("message", ({ group }) => {
  answer(group).then((found) => process.send(found), (error) => process.send({ error: String(error?.message ?? error) }));
});
process.on("disconnect", () => process.exit());
`;

/**
 * The conversations of a Parquet file, one group of rows after the other: those of a column `messages`, or of ShareGPT's
 * `conversations`, and of a column `tools` where there is one. Each is a list of structs, or a text of JSON. A process with limits on
 * its time and memory decodes the file, as a damaged one may ask for any amount of both, and end the process by that.
 *
 * @throws TrainError `DATA` when the file is damaged, has no such column, is compressed in a way that cannot be read, or has a
 * group of rows that takes too much time or memory
 */
export async function* parquetRows(
  file: DataFile,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChatRow, void, undefined> {
  const { path, size } = file;
  const library = pathToFileURL(createRequire(import.meta.url).resolve("hyparquet")).href;
  const settings = JSON.stringify({ path: resolvePath(path), size, longestMetadata, library });
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, "-e", program, settings], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    serialization: "advanced",
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  try {
    const opened = await ask(child, file, undefined, signal);
    const groups = "groups" in opened ? opened.groups : 0;
    for (let group = 0; group < groups; group++) {
      const found = await ask(child, file, group, signal);
      if (!("rows" in found)) continue;
      for (const [i, text] of found.rows.entries()) {
        const where = `${path}: row ${found.firstRow + i + 1}`;
        yield { where, json: () => parseRow(text, where), doneBytes: Math.min(found.end, size) };
      }
    }
  } finally {
    child.kill("SIGKILL");
  }
}

function parseRow(text: string, where: string): Json {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= longestRow) return parse(bytes, where);
  throw new TrainError("DATA", `${where}: the conversation is longer than ${longestRow} bytes`);
}

/** Sends a request and waits for its answer, for a limited time. */
async function ask(
  child: ChildProcess,
  { path, size }: DataFile,
  group: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const place = group === undefined ? "" : `row group ${group + 1}: `;
  const damaged = (reason: string, cause?: unknown) =>
    new TrainError("DATA", `${path}: ${place}${reason}`, { cause });
  const { promise, resolve, reject } = deferred<Answer>();
  const seconds = limitSeconds + Math.ceil(size / 1e6);
  const tooMuch = `it takes more than ${seconds} s to read; write it with smaller row groups`;
  const timer = setTimeout(() => reject(damaged(tooMuch)), 1000 * seconds);
  const onError = (cause: Error) => reject(damaged(cause.message, cause));
  const onExit = () => {
    reject(
      damaged(`it is damaged, or takes more than ${heapMb} MB to read; write it with smaller row groups`),
    );
  };
  const onAbort = () => reject(signal?.reason as Error);
  const onMessage = (answer: unknown) => resolve(answer as Answer);
  child.once("message", onMessage).once("error", onError).once("exit", onExit);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    child.send({ group });
    const answer = await promise;
    if ("error" in answer) throw damaged(answer.error);
    return answer;
  } finally {
    clearTimeout(timer);
    child.off("message", onMessage).off("error", onError).off("exit", onExit);
    signal?.removeEventListener("abort", onAbort);
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  return { promise, resolve, reject };
}
