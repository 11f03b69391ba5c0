import type { ParameterSpec } from "@mamba/core";
import {
  byteLength,
  formats,
  type HostArray,
  isQuantized,
  lastExtent,
  type WeightDType,
} from "@mamba/kernel";
import { CheckpointError } from "../errors.ts";
import type { WeightFile } from "../formats/weights.ts";
import { convertValues, fromStored, type Quantizers, viewValues } from "./convert.ts";
import type { MatchedChunk } from "./match.ts";
import { type BytesToRead, readAhead } from "./readAhead.ts";

/** A chunk of a parameter, with the parameter and the type that its values are needed in. */
export interface PlannedChunk extends MatchedChunk {
  readonly spec: ParameterSpec;
  readonly target: WeightDType;
  /** True when its values are needed in whole rows, also where they are not reordered or quantised. */
  readonly inRows?: boolean;
}

/** Values that were read from a file and converted. They are valid until the one after the next is asked for. */
export interface StoredValues<C> {
  readonly item: C;
  /** Index of the first value in the parameter. */
  readonly start: number;
  readonly values: HostArray;
  /** Bytes that were read for them. */
  readonly bytesRead: number;
}

/** Bytes of each of the two buffers: one is read while the other is used. */
const bufferBytes = 2 * 2 ** 20;

/** Two buffers for the values of `items`: of 2 MiB, or less for a small model, or one row where that is larger. */
export function buffersFor(items: readonly PlannedChunk[]): readonly [Uint8Array, Uint8Array] {
  const totalBytes = items.reduce((sum, { bytes: [start, end] }) => sum + end - start, 0);
  const largestUnit = items.reduce((largest, item) => Math.max(largest, unitBytes(item)), 8);
  const size = Math.max(largestUnit, Math.min(bufferBytes, Math.ceil(totalBytes / 8) * 8));
  return [new Uint8Array(size), new Uint8Array(size)];
}

/**
 * Reads chunks of parameters from a file, in the order of its bytes, and yields their values in the types that they are needed in.
 *
 * @throws CheckpointError `NON_FINITE`, `IO`, `TRUNCATED`
 */
export async function* storedChunks<C extends PlannedChunk>(
  file: WeightFile,
  items: readonly C[],
  buffers: readonly [Uint8Array, Uint8Array],
  quantizers: Quantizers | undefined,
): AsyncGenerator<StoredValues<C>, void, undefined> {
  const ordered = [...items].sort((a, b) => firstByte(a) - firstByte(b)); // a download cannot go back
  for (const item of ordered) checkUnchanged(file, item);
  const chunks = ordered.flatMap((item) => chunksOf(item, buffers[0].length));
  for await (const [{ item, range }, chunk] of readAhead(file, chunks, buffers)) {
    const { target, tensor, dtype: stored, bytes, firstElement, factor, stores, order, rowOrder } = item;
    const { blockBytes, blockElements } = formats[stored];
    const map = fromStored(stores);
    const columns = columnsOf(item);
    const conversion = { from: stored, to: target, columns, factor, map, order, rowOrder, quantizers };
    const where = `${file.name}: ${tensor.name}`;
    const inTensor = (range[0] / blockBytes) * blockElements;
    const start = firstElement + inTensor - (bytes[0] / blockBytes) * blockElements;
    const values = convertValues(viewValues(chunk, stored), conversion, where, inTensor);
    yield { item, start, values, bytesRead: chunk.length };
  }
}

/** Elements of a row of the parameter. */
function columnsOf({ spec, order }: PlannedChunk): number {
  return order?.length ?? lastExtent(spec.shape);
}

/** The bytes that a chunk of a tensor is a multiple of: a row where rows are needed, reordered or quantised; a group of rows in another order. */
function unitBytes(item: PlannedChunk): number {
  const { dtype, target, order, rowOrder, inRows = false } = item;
  if (rowOrder) return byteLength(dtype, [rowOrder.length, columnsOf(item)]);
  const needsRows = inRows || order !== undefined || isQuantized(target) || isQuantized(dtype);
  return needsRows ? byteLength(dtype, [columnsOf(item)]) : formats[dtype].blockBytes;
}

/** Divides the bytes of a tensor that are read into chunks of whole units that fit a buffer. */
function chunksOf<C extends PlannedChunk>(item: C, size: number): (BytesToRead & { readonly item: C })[] {
  const [start, end] = item.bytes;
  const step = size - (size % unitBytes(item));
  return Array.from({ length: Math.ceil((end - start) / step) }, (_, i) => {
    const from = start + i * step;
    return { item, name: item.tensor.name, range: [from, Math.min(from + step, end)] };
  });
}

/** Place of the chunk's first byte in its file. */
export function firstByte({ tensor, bytes: [start] }: MatchedChunk): number {
  return tensor.byteOffset + start;
}

/** The header was checked when the file was first opened. The file must not have changed since then. */
function checkUnchanged(file: WeightFile, { tensor: { name, byteOffset, byteLength } }: MatchedChunk): void {
  const now = file.tensors.get(name);
  if (now?.byteOffset === byteOffset && now.byteLength === byteLength) return;
  throw new CheckpointError("IO", `${file.name}: the file changed while it was being read`);
}
