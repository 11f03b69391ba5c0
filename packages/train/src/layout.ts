import { Sequences } from "@mamba/core";
import { packRows } from "./data/packRows.ts";

/** The place of one sequence in the rows of a batch. */
export interface Place {
  /** The index of its example in the batch. */
  readonly example: number;
  /** Its first position, counted over all rows. */
  readonly start: number;
  readonly length: number;
}

/** The places of the sequences of a batch in rows of one length; the rest of the rows is padding. */
export interface Layout {
  readonly rows: number;
  /** Positions per row. */
  readonly length: number;
  /** In the order of their places. */
  readonly places: readonly Place[];
}

/**
 * Puts each sequence into a row of its own, as long as the longest, or packs them into rows.
 *
 * @param lengths of the sequences
 * @param packTo positions per row when sequences are packed
 * @throws TrainError `DATA` when a sequence is longer than `packTo`
 */
export function layOut(lengths: readonly number[], packTo: number | undefined): Layout {
  const rows = packTo === undefined ? lengths.map((_, i) => [i]) : packRows(lengths, packTo).rows;
  const lengthOf = (row: readonly number[]) => row.reduce((sum, i) => sum + (lengths[i] ?? 0), 0);
  const length = rows.reduce((longest, row) => Math.max(longest, lengthOf(row)), 0);
  const places = rows.flatMap((row, r) => {
    let start = r * length;
    return row.map((example) => {
      const own = lengths[example] ?? 0;
      const place = { example, start, length: own };
      start += own;
      return place;
    });
  });
  return { rows: rows.length, length, places };
}

/** True when a row has padding or several sequences. */
export function isPacked({ rows, length, places }: Layout): boolean {
  return places.length !== rows || places.some((place) => place.length !== length);
}

/** The number of the sequence at each position, in the order of the places; -1 at padding. */
export function sequenceIds({ rows, length, places }: Layout): Int32Array {
  const ids = new Int32Array(rows * length).fill(-1);
  places.forEach(({ start, length: own }, i) => ids.fill(i, start, start + own));
  return ids;
}

/** `ids` of `rows` equal rows as `Sequences`. */
export function sequencesOf(ids: Int32Array, rows: number): Sequences {
  const length = ids.length / rows;
  return Sequences.fromIds(
    Array.from({ length: rows }, (_, row) => ids.subarray(row * length, (row + 1) * length)),
  );
}

/**
 * Copies the values of each example to the positions of its sequence.
 *
 * @param width values per position
 * @param into filled with the value for padding
 */
export function place<T extends Int32Array | Float32Array>(
  { places }: Layout,
  values: (example: number) => ArrayLike<number>,
  width: number,
  into: T,
): T {
  for (const { example, start } of places) into.set(values(example), start * width);
  return into;
}

/** Positions [start, start + count) of each of `rows` rows, with `width` values per position. */
export function cutRows<T extends Int32Array | Float32Array>(
  values: T,
  rows: number,
  width: number,
  { start, count }: { readonly start: number; readonly count: number },
): T {
  const rowWidth = values.length / rows;
  if (count * width === rowWidth) return values;
  const cut = values.slice(0, rows * count * width) as T;
  for (let row = 0; row < rows; row++) {
    const from = row * rowWidth + start * width;
    cut.set(values.subarray(from, from + count * width), row * count * width);
  }
  return cut;
}
