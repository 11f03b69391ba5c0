import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { CsvOptions, CsvTable } from "../data/csv.ts";
import { dataError, reasonOf } from "../data/dataError.ts";
import { parseIdx } from "../data/idx.ts";
import { parseNpy } from "../data/npy.ts";
import type { NumericArray } from "../data/numericArray.ts";
import { TrainError } from "../errors.ts";

/** The most bytes of a file that is read as a whole. */
const maxBytes = 2 ** 30;
/** The longest text: V8 has none of 2^29 characters. */
const maxTextBytes = 2 ** 28;

/**
 * Reads a table of comma-separated values in UTF-8: see `parseCsv`.
 *
 * @throws TrainError `DATA` when the file cannot be read, is not UTF-8, has more than 2^28 bytes, or is no such table
 */
export async function csvFile(path: string, options: CsvOptions = {}): Promise<CsvTable> {
  return csvBytes(await readWhole(path, maxTextBytes), basename(path), options);
}

/**
 * Parses the bytes of a table in UTF-8: see `parseCsv`.
 *
 * @param name the file, for messages
 * @throws TrainError `DATA` when they are not UTF-8, or no such table
 */
export async function csvBytes(bytes: Uint8Array, name: string, options: CsvOptions = {}): Promise<CsvTable> {
  const { parseCsv } = await import("../data/csv.ts"); // the parser is loaded with the first table
  return parseCsv(decodeUtf8(bytes, name), name, options);
}

/**
 * Reads a NumPy array: see `parseNpy`.
 *
 * @throws TrainError `DATA` when the file cannot be read, or is no such array
 */
export async function npyFile(path: string): Promise<NumericArray> {
  return parseNpy(await readWhole(path, maxBytes), basename(path));
}

/**
 * Reads an IDX array, also one that is compressed by gzip, as MNIST is distributed: see `parseIdx`.
 *
 * @throws TrainError `DATA` when the file cannot be read or expanded, or is no such array
 */
export async function idxFile(path: string): Promise<NumericArray> {
  const bytes = await readWhole(path, maxBytes);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseIdx(isGzip ? await expanded(bytes, path) : bytes, basename(path));
}

async function expanded(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw dataError(path, `expected gzip data of at most ${maxBytes} bytes`, reasonOf(cause), cause);
  }
}

/** @throws TrainError `DATA` when the file cannot be read, is not a regular file, or has more than `limit` bytes */
export async function readWhole(path: string, limit: number): Promise<Uint8Array> {
  const failed = (cause: unknown) => new TrainError("DATA", `${path}: ${reasonOf(cause)}`, { cause });
  const info = await stat(path).catch((cause: unknown) => {
    throw failed(cause);
  });
  if (!info.isFile()) throw new TrainError("DATA", `${path}: not a regular file`);
  if (info.size > limit)
    throw dataError(path, `expected a file of at most ${limit} bytes`, String(info.size));
  return readFile(path).catch((cause: unknown) => {
    throw failed(cause);
  });
}

/** @throws TrainError `DATA` when the bytes are not UTF-8, naming the line */
function decodeUtf8(bytes: Uint8Array, name: string): string {
  const decode = (part: Uint8Array) =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(part);
  try {
    return decode(bytes);
  } catch (cause) {
    let line = 1;
    for (let start = 0, end; start < bytes.length; start = end + 1, line++) {
      end = bytes.indexOf(0x0a, start);
      if (end === -1) end = bytes.length;
      try {
        decode(bytes.subarray(start, end));
      } catch {
        break;
      }
    }
    throw dataError(`${name}, line ${line}`, "expected text in UTF-8", "other bytes", cause);
  }
}
