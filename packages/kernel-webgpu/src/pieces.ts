import { byteOffset, elementCount } from "@mamba/kernel";
import type { Slice } from "./dispatcher.ts";
import type { Runtime } from "./runtime.ts";
import type { WebGpuTensor } from "./tensor.ts";

/** Rows [first, first + rows) of a matrix, small enough to be bound. */
export interface Piece extends Slice {
  readonly first: number;
  readonly rows: number;
}

/**
 * A dense matrix [rows, width] in as many pieces as the largest binding of the device asks for: a table of embeddings is
 * easily larger than the 128 MiB that WebGPU guarantees.
 */
export function piecesOf(runtime: Runtime, tensor: WebGpuTensor): Piece[] {
  const [rows = 1, width = 1] = tensor.shape;
  const fit = Math.max(1, Math.floor(runtime.pieceBytes / byteOffset(tensor.dtype, width)));
  // Pieces that start at a multiple of four rows are read four at a time.
  const most = fit < 4 ? fit : fit - (fit % 4);
  const pieces: Piece[] = [];
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    pieces.push({ tensor, start: first * width, count: count * width, first, rows: count });
  }
  return pieces;
}

/**
 * A dense tensor of f32 in as many pieces as the largest binding of the device asks for, whatever its shape.
 *
 * @param multiple all pieces but the last have a multiple of so many elements
 */
export function flatPieces(runtime: Runtime, tensor: WebGpuTensor, multiple = 1): Slice[] {
  const most = Math.max(1, Math.floor(runtime.pieceBytes / 4 / multiple)) * multiple;
  const total = elementCount(tensor.shape);
  const pieces: Slice[] = [];
  for (let start = 0; start < total; start += most) {
    pieces.push({ tensor, start, count: Math.min(most, total - start) });
  }
  return pieces;
}
