import { elementCount, isDense, lastExtent } from "@mamba/kernel";
import type { CudaTensor } from "./tensor.ts";

/** Words of the table that a launch carries as an argument: `kTableWords` of its GPU kernels. */
const tableWords = 960;
/** The most elements per entry: GPU kernels count them in 32 bits. */
const chunkElements = 2 ** 30;

/** The entry of a table for one chunk of a tensor. */
export interface Entry {
  /** Blocks of threads that work on the chunk. */
  readonly blocks: number;
  /** Words that the GPU kernel reads after the number of the first block. */
  readonly words: readonly number[];
}

/** The argument of one launch. */
export interface Table {
  readonly words: Uint32Array;
  readonly entries: number;
  readonly blocks: number;
}

/** Puts entries of equal length into tables, one for each launch that they need. */
export function tablesOf(entries: readonly Entry[]): Table[] {
  const length = 1 + (entries[0]?.words.length ?? 0);
  const most = Math.floor(tableWords / length);
  const tables: Table[] = [];
  for (let from = 0; from < entries.length; from += most) {
    const some = entries.slice(from, from + most);
    let blocks = 0;
    const words = some.flatMap((entry) => {
      const first = blocks;
      blocks += entry.blocks;
      return [first, ...entry.words];
    });
    tables.push({ words: Uint32Array.from(words), entries: some.length, blocks });
  }
  return tables;
}

/** An address in two words, the lower one first. */
export function addressWords(address: number): [number, number] {
  return [address % 2 ** 32, Math.floor(address / 2 ** 32)];
}

/** Consecutive elements of an f32 tensor: rows of `width` elements that start `stride` elements apart. */
export interface Chunk {
  /** Elements of the tensor before the chunk. */
  readonly start: number;
  readonly address: number;
  readonly count: number;
  readonly width: number;
  readonly stride: number;
}

/** Splits a tensor into chunks that GPU kernels can count. A dense tensor is one long row. */
export function chunksOf(tensor: CudaTensor, most = chunkElements): Chunk[] {
  const all = elementCount(tensor.shape);
  const dense = isDense(tensor);
  const width = lastExtent(tensor.shape);
  const step = dense ? most : Math.max(1, Math.floor(most / width)) * width;
  const chunks: Chunk[] = [];
  for (let start = 0; start < all; start += step) {
    const count = Math.min(step, all - start);
    const before = dense ? start : (start / width) * tensor.rowStride;
    const rows = dense ? { width: count, stride: count } : { width, stride: tensor.rowStride };
    chunks.push({ start, address: tensor.address + 4 * before, count, ...rows });
  }
  return chunks;
}
