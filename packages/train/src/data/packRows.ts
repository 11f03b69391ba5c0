import { checkWhole } from "./dataError.ts";
import { TrainError } from "../errors.ts";

/** Short sequences, put together into rows of one length. */
export interface PackedRows {
  /** For each row the indices of its sequences, in the order in which they were put there. */
  readonly rows: readonly (readonly number[])[];
  readonly rowLength: number;
  /** Fraction of the positions of the rows that hold a sequence. */
  readonly filled: number;
  /** Positions with padding, each sequence in a row as long as the longest, for each position of the packed rows. */
  readonly gain: number;
}

/**
 * Packs sequences into as few rows as it finds, by first fit decreasing: the longest first, each into the first row with room
 * for it. It needs at most 11/9 of the fewest rows possible, and 2/3 of a row (Dósa 2007).
 *
 * @param lengths of the sequences, in positions
 * @param rowLength positions per row
 * @throws TrainError `CONFIG` (rowLength), `DATA` when a sequence is empty or longer than a row
 */
export function packRows(lengths: readonly number[], rowLength: number): PackedRows {
  checkWhole("packRows", { rowLength });
  lengths.forEach((length, i) => {
    if (Number.isSafeInteger(length) && length >= 1 && length <= rowLength) return;
    throw new TrainError(
      "DATA",
      `sequence ${i}: expected a length from 1 to ${rowLength} positions, got ${String(length)}`,
    );
  });
  const order = lengths.map((_, i) => i).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const room = new FirstFit(lengths.length, rowLength);
  const rows: number[][] = [];
  let used = 0;
  for (const index of order) {
    const length = lengths[index] ?? 0;
    (rows[room.take(length)] ??= []).push(index);
    used += length;
  }
  const longest = lengths[order[0] ?? 0] ?? 0;
  const positions = rows.length * rowLength;
  return {
    rows,
    rowLength,
    filled: positions === 0 ? 1 : used / positions,
    gain: positions === 0 ? 1 : (lengths.length * longest) / positions,
  };
}

/** The room left in each row, in a binary tree of maxima: the first row with enough room is found in log n steps. */
class FirstFit {
  readonly #leaves: number;
  readonly #room: Int32Array | Float64Array;

  constructor(rows: number, rowLength: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(rows, 1)));
    this.#room = new Float64Array(2 * this.#leaves).fill(rowLength);
  }

  /** Takes room in the first row that has it. */
  take(length: number): number {
    let node = 1;
    while (node < this.#leaves) node = 2 * node + ((this.#room[2 * node] ?? 0) >= length ? 0 : 1);
    const row = node - this.#leaves;
    this.#room[node] = (this.#room[node] ?? 0) - length;
    for (node >>= 1; node >= 1; node >>= 1) {
      this.#room[node] = Math.max(this.#room[2 * node] ?? 0, this.#room[2 * node + 1] ?? 0);
    }
    return row;
  }
}
