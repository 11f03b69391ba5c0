/**
 * A hint for an unknown name: `"; did you mean dState?"`, or `""` when no known name is close. Letters that are swapped,
 * missing, added or wrong count, up to a third of the name.
 */
export function didYouMean(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

/** Longer names are compared by their beginnings, so that a name from a file costs no more than a real one. */
const compared = 200;

/** The known name with the fewest edits to `name`, when they are at most a third of it. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const letters = (text: string) => text.slice(0, compared).toLowerCase().replaceAll(/[-_]/g, "");
  const wanted = letters(name);
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const edits = distance(wanted, letters(candidate), fewest);
    if (edits < fewest) [best, fewest] = [candidate, edits];
  }
  return best;
}

/** Number of edits from `a` to `b`, a swap of neighbours included (Damerau 1964); at least `limit` when it reaches that. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const [left = 0, up = 0, corner = 0] = [row[j - 1], previous[j], previous[j - 1]];
      const isSame = a[i - 1] === b[j - 1];
      let edits = Math.min(left + 1, up + 1, corner + (isSame ? 0 : 1));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, (before[j - 2] ?? limit) + 1);
      row.push(edits);
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length] ?? limit;
}
