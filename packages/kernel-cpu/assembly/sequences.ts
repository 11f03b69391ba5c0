// Sequences packed in a row. `ids` is the address of the row's numbers, i32 [length], or 0: then all positions are one sequence.
// A negative number is padding. A real position starts a sequence when its number differs from that of the last real position
// before it.

/** Address of the numbers of batch row b, 0 without them. */
@inline
export function idsOfRow(sequenceIds: usize, b: i32, length: i32): usize {
  return sequenceIds ? sequenceIds + ((<usize>b * length) << 2) : 0;
}

@inline
export function idAt(ids: usize, l: i32): i32 {
  return ids ? load<i32>(ids + ((<usize>l) << 2)) : 0;
}

/** End of the positions from l on that have the same number, or that are all padding. */
export function runEnd(ids: usize, l: i32, length: i32): i32 {
  if (!ids) return length;
  const id = idAt(ids, l);
  while (++l < length) {
    const next = idAt(ids, l);
    if (id < 0 ? next >= 0 : next != id) break;
  }
  return l;
}

/** The first real position from l on; `length` when there is none. */
export function nextReal(ids: usize, l: i32, length: i32): i32 {
  if (ids) while (l < length && idAt(ids, l) < 0) l++;
  return l;
}

/** The last real position before l; -1 when there is none. */
export function lastReal(ids: usize, l: i32): i32 {
  l--;
  if (ids) while (l >= 0 && idAt(ids, l) < 0) l--;
  return l;
}
