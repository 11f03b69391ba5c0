/**
 * A range for each of B rows of length L, in turn: right padding, left padding, both, no real position at the end, values
 * that must be clamped, no real position in the middle, no padding.
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
  return Array.from({ length: B }, (_, b) => kinds[b % kinds.length] ?? [0, L]).flat();
}

/** Overwrites the positions outside of `rangesFor` in [B, L, D] data. */
export function padWith(data: Float32Array, value: number, B: number, L: number, D: number): void {
  const ranges = rangesFor(B, L);
  for (let b = 0; b < B; b++) {
    const [start = 0, end = L] = ranges.slice(2 * b);
    for (let l = 0; l < L; l++) {
      if (l < start || l >= end) data.fill(value, (b * L + l) * D, (b * L + l + 1) * D);
    }
  }
}
