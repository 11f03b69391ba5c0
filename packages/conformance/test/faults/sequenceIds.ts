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
