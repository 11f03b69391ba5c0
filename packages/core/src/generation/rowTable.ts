import type { MambaLM } from "../model/mambaLM.ts";
import type { StackState } from "../state/stackState.ts";
import { DecoderRows } from "./decoderRows.ts";
import type { RunningSequence } from "./runningSequence.ts";

/**
 * The sequences of a decoder in the rows of its state, without gaps. The first `writing` of them have one id to read, a token of
 * theirs; the others have a prompt to read. So each kind is a view of neighbouring rows.
 */
export class RowTable implements Disposable {
  readonly rows: DecoderRows;
  readonly #sequences: RunningSequence[] = [];
  #writing = 0;

  constructor(model: MambaLM, capacity: number, maxLength: number | undefined) {
    this.rows = new DecoderRows(model, capacity, maxLength);
  }

  /** By row. */
  get sequences(): readonly RunningSequence[] {
    return this.#sequences;
  }

  /** Number of sequences that have one id to read, a token of theirs. */
  get writing(): number {
    return this.#writing;
  }

  /** Adds a sequence with a copy of `stack`; undefined: the state before the first token. */
  join(sequence: RunningSequence, stack: StackState | undefined): void {
    this.rows.write(this.#sequences.length, stack);
    sequence.row = this.#sequences.push(sequence) - 1;
    if (sequence.continues) this.promote(sequence);
  }

  /** Moves a sequence to the rows of those that write. */
  promote(sequence: RunningSequence): void {
    const other = this.#sequences[this.#writing];
    sequence.status = "writing";
    if (other && other !== sequence) {
      this.rows.swap(sequence.row, other.row);
      this.#place(other, sequence.row);
      this.#place(sequence, this.#writing);
    }
    this.#writing++;
  }

  /** Takes a sequence out and frees it. The last row of those that write, and then the last row of all, fill the gap. */
  leave(sequence: RunningSequence): void {
    let gap = sequence.row;
    if (gap < this.#writing) gap = this.#fill(gap, --this.#writing);
    this.#fill(gap, this.#sequences.length - 1);
    this.#sequences.pop();
    this.rows.clear(this.#sequences.length);
    if (this.#sequences.length === 0) this.rows.release();
    sequence.dispose();
  }

  [Symbol.dispose](): void {
    for (const sequence of this.#sequences) sequence.dispose();
    this.#sequences.length = 0;
    this.#writing = 0;
    this.rows[Symbol.dispose]();
  }

  /** Moves the sequence of row `from` to row `gap`. Returns the new gap. */
  #fill(gap: number, from: number): number {
    const moved = this.#sequences[from];
    if (moved && from !== gap) {
      this.rows.copy(from, gap);
      this.#place(moved, gap);
    }
    return from;
  }

  #place(sequence: RunningSequence, row: number): void {
    this.#sequences[row] = sequence;
    sequence.row = row;
  }
}
