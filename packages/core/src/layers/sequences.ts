import type { Tensor } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { Ops } from "../ops/run/ops.ts";

/** The real positions of a row: [start, end). The rest is padding. */
export type Range = readonly [start: number, end: number];

/** The number of a padded position in `Sequences.ids` and `Sequences.positions`. */
const padding = -1;

/**
 * The places of the sequences of a batch in its rows: one or several in each row, with padding before, between, behind or
 * within them. Every sequence computes what it would compute alone, and padding has no effect. A host object: each run of a model
 * uploads it once.
 *
 * Sequences are numbered from 0 over the whole batch: row after row, and in a row from its start.
 */
export class Sequences {
  /** Rows, B. */
  readonly batch: number;
  /** Positions of each row, padding included, L. */
  readonly length: number;
  /** Sequences of all rows, S. */
  readonly count: number;
  /** The number of each position's sequence, from 0 to S - 1, or -1 at padding: [B · L]. Not to be changed. */
  readonly ids: Int32Array;
  /** The place of each position in its sequence, from 0, or -1 at padding: [B · L]. Not to be changed. */
  readonly positions: Int32Array;
  /** For each sequence, the index of its last real position in [B · L]: `ops.gatherRows` of [B · L, D] then gives [S, D]. */
  readonly lastPositions: readonly number[];
  /** For each row, the index of its last real position in [B · L]; undefined for a row of padding. */
  readonly lastOfRows: readonly (number | undefined)[];
  /** For each row, the number of its first sequence; undefined for a row of padding. */
  readonly firstOfRows: readonly (number | undefined)[];
  /**
   * For each sequence, the range [start, end) from its first real position to its last one, in [B · L]: [S, 2]. Padding within
   * a sequence lies in its range. Not to be changed.
   */
  readonly ranges: Int32Array;
  #reversed: Sequences | undefined;

  /** @param ids any numbers [B · L]: negative at padding, and another one where another sequence starts */
  private constructor(ids: ArrayLike<number>, batch: number, length: number) {
    this.batch = batch;
    this.length = length;
    this.ids = new Int32Array(batch * length).fill(padding);
    this.positions = new Int32Array(batch * length).fill(padding);
    const firstPositions: number[] = [];
    const lastPositions: number[] = [];
    const lastOfRows: (number | undefined)[] = [];
    const firstOfRows: (number | undefined)[] = [];
    for (let row = 0; row < batch; row++) {
      let last: number | undefined;
      const before = lastPositions.length;
      for (let at = row * length; at < (row + 1) * length; at++) {
        const id = ids[at] ?? padding;
        if (id < 0) continue;
        const goesOn = last !== undefined && ids[last] === id;
        if (!goesOn) {
          firstPositions.push(at);
          lastPositions.push(at);
        }
        this.ids[at] = lastPositions.length - 1;
        this.positions[at] = goesOn ? (this.positions[last ?? at] ?? 0) + 1 : 0;
        lastPositions[lastPositions.length - 1] = at;
        last = at;
      }
      lastOfRows.push(last);
      firstOfRows.push(last === undefined ? undefined : before);
    }
    this.count = lastPositions.length;
    this.lastPositions = lastPositions;
    this.lastOfRows = lastOfRows;
    this.firstOfRows = firstOfRows;
    this.ranges = Int32Array.from(
      firstPositions.flatMap((first, s) => [first, (lastPositions[s] ?? first) + 1]),
    );
  }

  /**
   * Sequences by the number of each position, `ids` [B][L]: positions with the same number are one sequence, -1 is padding. The
   * numbers of a row need no order.
   *
   * @throws MambaError `INPUT`, naming row and position: rows of unequal length, a number that is not a whole number from -1 to
   * 2^31 - 1, a sequence that goes on after another one
   */
  static fromIds(ids: readonly ArrayLike<number>[]): Sequences {
    const length = checkRows("ids", ids);
    ids.forEach((row, b) => {
      const ended = new Set<number>();
      let last = padding;
      for (let l = 0; l < length; l++) {
        const id = row[l] ?? NaN;
        if (!Number.isInteger(id) || id < padding || id >= 2 ** 31) {
          throw wrong(
            "ids",
            b,
            l,
            `a whole number from 0 to ${2 ** 31 - 1}, or -1 at padding, was expected, got ${id}`,
          );
        }
        if (id === padding || id === last) continue;
        if (ended.has(id)) {
          throw wrong("ids", b, l, `sequence ${id} goes on after sequence ${last}; it must be in one place`);
        }
        ended.add(id);
        last = id;
      }
    });
    const data = ids.flatMap((row) => Array.from(row));
    return new Sequences(data, ids.length, length);
  }

  /**
   * One sequence in each row, by an attention mask [B][L]: 1 at real positions and 0 at padding, in any order.
   *
   * @throws MambaError `INPUT`, naming row and position: rows of unequal length, a value other than 0 and 1
   */
  static fromMask(mask: readonly ArrayLike<number>[]): Sequences {
    const length = checkRows("mask", mask);
    const data = mask.flatMap((row, b) =>
      Array.from(row, (value, l) => {
        if (value !== 0 && value !== 1) throw wrong("mask", b, l, `0 or 1 was expected, got ${value}`);
        return value - 1;
      }),
    );
    return new Sequences(data, mask.length, length);
  }

  /**
   * One sequence in each row of `length` positions: the range [start, end).
   *
   * @throws MambaError `INPUT`, naming the row, unless 0 <= start <= end <= length
   */
  static fromRanges(ranges: readonly Range[], length: number): Sequences {
    checkLength(length);
    if (ranges.length === 0) throw new MambaError("INPUT", "ranges: at least one row was expected, got none");
    const data = ranges.flatMap(([start, end], b) => {
      if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start || end > length) {
        const rule = `whole numbers with 0 <= start <= end <= ${length} were expected`;
        throw new MambaError("INPUT", `ranges: row ${b}: ${rule}, got [${start}, ${end})`);
      }
      return Array.from({ length }, (_, l) => (l >= start && l < end ? 0 : padding));
    });
    return new Sequences(data, ranges.length, length);
  }

  /**
   * Sequences packed without gaps from the start of each row, by their lengths; the rest of a row is padding.
   *
   * @param lengths for each row, the lengths of its sequences, in order
   * @param length positions of each row. Default: those of the longest one
   * @throws MambaError `INPUT`, naming the row: a length that is not a whole number from 1, a row that is too long
   */
  static fromLengths(lengths: readonly (readonly number[])[], length?: number): Sequences {
    const sums = lengths.map((row, b) =>
      row.reduce((sum, own, i) => {
        if (Number.isInteger(own) && own >= 1) return sum + own;
        const what = `lengths: row ${b}, sequence ${i}`;
        throw new MambaError("INPUT", `${what}: a whole number >= 1 was expected, got ${own}`);
      }, 0),
    );
    const all = length ?? Math.max(...sums, 1);
    checkLength(all);
    if (lengths.length === 0)
      throw new MambaError("INPUT", "lengths: at least one row was expected, got none");
    const data = lengths.flatMap((row, b) => {
      const own = row.flatMap((count, i) => Array.from({ length: count }, () => i));
      if (own.length > all) {
        throw new MambaError(
          "INPUT",
          `lengths: row ${b}: at most ${all} positions were expected, got ${own.length}`,
        );
      }
      return [...own, ...Array.from({ length: all - own.length }, () => padding)];
    });
    return new Sequences(data, lengths.length, all);
  }

  /** The same sequences after `flip`: each row from its end to its start. */
  get reversed(): Sequences {
    if (this.#reversed) return this.#reversed;
    const { batch, length } = this;
    const flipped = this.ids.map((_, i) => this.ids[i - 2 * (i % length) + length - 1] ?? padding);
    const reversed = new Sequences(flipped, batch, length);
    reversed.#reversed = this;
    return (this.#reversed = reversed);
  }

  /** `ids` on the device, i32 [B, L]: `sequenceIds` of the kernel's ops. It belongs to `ops`, which upload it once. */
  tensor(ops: Pick<Ops, "sharedConstant">): Tensor {
    return ops.sharedConstant(this.ids, [this.batch, this.length]);
  }

  /**
   * `ranges` on the device, i32 [S, 2]: those of the kernel's pooling ops. It belongs to `ops`, which upload it once.
   *
   * @throws MambaError `INPUT` when all positions are padding
   */
  rangesTensor(ops: Pick<Ops, "sharedConstant">): Tensor {
    if (this.count === 0)
      throw new MambaError("INPUT", "sequences: a real position was expected, all are padding");
    return ops.sharedConstant(this.ranges, [this.count, 2]);
  }

  /** @throws MambaError `INPUT` unless the sequences are those of an input [batch, length, …] */
  checkFits(batch: number, length: number): void {
    if (this.batch === batch && this.length === length) return;
    const own = `[${this.batch}, ${this.length}]`;
    throw new MambaError("INPUT", `sequences are of an input ${own}, the input is [${batch}, ${length}]`);
  }
}

/** Returns the length of all rows. */
function checkRows(name: string, rows: readonly ArrayLike<number>[]): number {
  const [first] = rows;
  if (first === undefined) throw new MambaError("INPUT", `${name}: at least one row was expected, got none`);
  checkLength(first.length);
  rows.forEach((row, b) => {
    if (row.length !== first.length) {
      const expected = `${first.length} positions were expected, as in row 0`;
      throw new MambaError("INPUT", `${name}: row ${b}: ${expected}, got ${row.length}`);
    }
  });
  return first.length;
}

function checkLength(length: number): void {
  if (Number.isInteger(length) && length >= 1) return;
  throw new MambaError("INPUT", `sequences: rows of at least one position were expected, got ${length}`);
}

function wrong(name: string, row: number, position: number, what: string): MambaError {
  return new MambaError("INPUT", `${name}: row ${row}, position ${position}: ${what}`);
}
