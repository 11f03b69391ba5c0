/**
 * A range for each of B rows of length L, in turn: right padding, left padding, both, none, an empty slice, and values
 * that must be clamped.
 */
export function rangesFor(B: number, L: number): number[] {
  const third = Math.max(1, Math.floor(L / 3));
  const kinds: [number, number][] = [
    [0, L - third],
    [third, L],
    [L, L],
    [third, Math.max(third, L - third)],
    [-7, L + 9],
    [third + 2, third],
    [0, L],
  ];
  return Array.from({ length: B }, (_, b) => kinds[b % kinds.length] as [number, number]).flat();
}
