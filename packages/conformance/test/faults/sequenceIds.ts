import { sequencesOf } from "../../src/sequences.ts";

// Wrong readings of a `sequenceIds` argument [B, L], as the ids that a right implementation would read in the same way.

type Ids = ArrayLike<number>;

/** All real positions of a row are one sequence. */
export function asOne(ids: Ids): Int32Array {
  return Int32Array.from(ids, (id) => (id < 0 ? -1 : 0));
}

/** A real position after padding starts a sequence. */
export function newAfterPadding(ids: Ids, length: number): Int32Array {
  let sequence = 0;
  return Int32Array.from(ids, (id, i) => {
    const before = i % length === 0 ? -1 : (ids[i - 1] ?? -1);
    if (id >= 0 && id !== before) sequence++;
    return id < 0 ? -1 : sequence;
  });
}

/** Padding that ends a row, or stands between sequences, belongs to the sequence before it. */
export function withoutEnds(ids: Ids, length: number): Int32Array {
  let last = -1;
  return Int32Array.from(ids, (id, i) => {
    if (i % length === 0) last = -1;
    if (id >= 0) last = id;
    return last;
  });
}

/** The ids of each row begin one position late. */
export function late(ids: Ids, length: number): Int32Array {
  return Int32Array.from(ids, (id, i) => {
    const before = ids[i - 1] ?? -1;
    return i % length === 0 || id < 0 || before < 0 ? id : before;
  });
}

/** Ids with one sequence of each row, the others being padding: first the first sequences, then the second ones, and so on. */
export function oneByOne(ids: Ids, length: number): Int32Array[] {
  const rows = Array.from({ length: ids.length / length }, (_, b) => sequencesOf(ids, b, length));
  const most = Math.max(...rows.map((sequences) => sequences.length));
  return Array.from({ length: most }, (_, index) => {
    const own = new Int32Array(ids.length).fill(-1);
    rows.forEach((sequences, b) => {
      for (const l of sequences[index] ?? []) own[b * length + l] = 0;
    });
    return own;
  });
}
