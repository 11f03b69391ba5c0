import { elementCount, isDense } from "@mamba/kernel";
import type { CudaTensor } from "../tensor.ts";

/** Words of the table that a launch takes along; `kTableWords` of its kernels. */
const tableWords = 960;
/** Elements of an entry: kernels count them in 32 bits. */
const pieceElements = 2 ** 30;

/** A piece of a tensor in a table. */
export interface Entry {
  /** Blocks of threads that work on it. */
  readonly blocks: number;
  /** What the kernel reads of it, behind the number of its first block. */
  readonly words: readonly number[];
}

/** What one launch takes along. */
export interface Table {
  readonly words: Uint32Array;
  readonly entries: number;
  readonly blocks: number;
}

/** Entries of one length, in as many launches as they need. */
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

/** Some elements of an f32 tensor, as rows of `width`, `stride` apart. */
export interface Piece {
  /** Elements of the tensor that come before. */
  readonly start: number;
  readonly address: number;
  readonly count: number;
  readonly width: number;
  readonly stride: number;
}

/** A tensor in pieces that kernels can count; a dense one is one long row. */
export function piecesOf(tensor: CudaTensor, most = pieceElements): Piece[] {
  const all = elementCount(tensor.shape);
  const dense = isDense(tensor);
  const width = tensor.shape[tensor.shape.length - 1] as number;
  const step = dense ? most : Math.max(1, Math.floor(most / width)) * width;
  const pieces: Piece[] = [];
  for (let start = 0; start < all; start += step) {
    const count = Math.min(step, all - start);
    const before = dense ? start : (start / width) * tensor.rowStride;
    const rows = dense ? { width: count, stride: count } : { width, stride: tensor.rowStride };
    pieces.push({ start, address: tensor.address + 4 * before, count, ...rows });
  }
  return pieces;
}
