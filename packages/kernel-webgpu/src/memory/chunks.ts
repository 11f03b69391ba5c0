import { byteOffset, elementCount, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { TensorChunk } from "../commands/dispatcher.ts";
import { storedOffset } from "../quantized/layouts.ts";
import type { WebGpuTensor } from "./tensor.ts";

/** Rows [first, first + rows) of a tensor [..., width]. */
export interface RowChunk extends TensorChunk {
  readonly first: number;
  readonly rows: number;
}

/** The field of `Runtime` that limits chunks. */
interface ChunkLimit {
  readonly chunkBytes: number;
}

/**
 * Splits a dense tensor [..., width] into chunks of rows that fit the largest binding of the device: an embedding table is
 * easily larger than the 128 MiB that WebGPU guarantees.
 */
export function rowChunks({ chunkBytes }: ChunkLimit, tensor: WebGpuTensor): RowChunk[] {
  const [rows, width] = [rowCount(tensor), lastExtent(tensor.shape)];
  const fit = Math.max(1, Math.floor(chunkBytes / storedOffset(tensor, width)));
  // Shaders read four rows at a time in chunks that start at a multiple of four rows.
  const most = fit < 4 ? fit : fit - (fit % 4);
  const chunks: RowChunk[] = [];
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    chunks.push({ tensor, start: first * width, count: count * width, first, rows: count });
  }
  return chunks;
}

/**
 * Splits a dense f32 tensor of any shape into chunks of elements that fit the largest binding of the device.
 *
 * @param multiple all chunks but the last hold a multiple of this many elements
 */
export function flatChunks({ chunkBytes }: ChunkLimit, tensor: WebGpuTensor, multiple = 1): TensorChunk[] {
  const fit = Math.floor(chunkBytes / byteOffset("f32", multiple));
  const most = Math.max(1, fit) * multiple;
  const total = elementCount(tensor.shape);
  const chunks: TensorChunk[] = [];
  for (let start = 0; start < total; start += most) {
    chunks.push({ tensor, start, count: Math.min(most, total - start) });
  }
  return chunks;
}
