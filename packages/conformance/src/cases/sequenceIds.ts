import { Random } from "../random.ts";

/** Writes `id` to the positions [from, to) of a row. */
type Fill = (id: number, from: number, to: number) => void;

/** The kinds of rows of a batch, in turn. `fill` writes to a row of L positions of padding. */
const kinds: readonly ((L: number, fill: Fill) => void)[] = [
  // Several sequences of odd lengths, then padding.
  (L, fill) => {
    const lengths = [3, 1, 5, 2, 9, 1, 1, 13];
    let from = 0;
    for (let i = 0; from < L - 2; i++) {
      const to = Math.min(from + (lengths[i % lengths.length] ?? 1), L - 2);
      fill(i, from, to);
      from = to;
    }
  },
  // One sequence, padding in its middle.
  (L, fill) => {
    fill(4, 0, Math.ceil(L / 3));
    fill(4, Math.ceil(L / 3) + 1, L - 3);
    fill(4, L - 1, L);
  },
  // One sequence after padding.
  (L, fill) => {
    fill(0, third(L), L);
  },
  // Two sequences, the second longer than most chunks.
  (L, fill) => {
    fill(0, 0, third(L) + 1);
    fill(1, third(L) + 1, L);
  },
  // No real position.
  () => undefined,
  // A number that comes back, padding on both sides and between; the last sequence has one position.
  (L, fill) => {
    fill(7, 1, third(L));
    fill(2, third(L) + 1, L - third(L));
    fill(7, L - third(L), L - 2);
    fill(0, L - 2, L - 1);
  },
  // Every position a sequence.
  (L, fill) => {
    for (let l = 0; l < L; l++) fill(l, l, l + 1);
  },
  // One sequence before padding.
  (L, fill) => {
    fill(2 ** 31 - 1, 0, L - third(L));
  },
  // Two sequences of which the first has one position, with padding in the second.
  (L, fill) => {
    fill(9, 0, 1);
    fill(3, 1, L - third(L));
    fill(3, L - third(L) + 1, L);
  },
  // One sequence, no padding.
  (L, fill) => {
    fill(5, 0, L);
  },
  // Sequences of random lengths with random padding.
  (L, fill) => {
    const random = new Random(`sequence ids ${L}`);
    let id = 0;
    for (let from = 0; from < L;) {
      const to = Math.min(from + random.integer(1, 12), L);
      if (random.uniform() < 0.5) id++;
      if (random.uniform() < 0.7) fill(id, from, to);
      from = to;
    }
  },
];

/** The number of kinds of rows: a batch of as many has each. */
export const sequenceKinds = kinds.length;

function third(L: number): number {
  return Math.max(1, Math.floor(L / 3));
}

/** Numbers of sequences for B rows of length L, of another kind each. Padding has different negative numbers. */
export function sequenceIdsFor(B: number, L: number): Int32Array {
  const ids = Int32Array.from({ length: B * L }, (_, i) => [-1, -(2 ** 31), -7][i % 3] ?? -1);
  for (let b = 0; b < B; b++) {
    // Small batches of different sizes begin with different kinds.
    kinds[(b + (B < kinds.length ? B + L : 0)) % kinds.length]?.(L, (id, from, to) => {
      for (let l = Math.max(from, 0); l < to; l++) ids[b * L + l] = id;
    });
  }
  return ids;
}

/** Overwrites the padding of `sequenceIdsFor` in [B, L, D] data. */
export function padWith(data: Float32Array, value: number, B: number, L: number, D: number): void {
  sequenceIdsFor(B, L).forEach((id, i) => {
    if (id < 0) data.fill(value, i * D, (i + 1) * D);
  });
}

/** Overwrites one real position of each row in [B, L, D] data: that in the middle. Other sequences of the row must not see it. */
export function markOne(data: Float32Array, value: number, B: number, L: number, D: number): void {
  const ids = sequenceIdsFor(B, L);
  for (let b = 0; b < B; b++) {
    const real = Array.from({ length: L }, (_, l) => b * L + l).filter((i) => (ids[i] ?? -1) >= 0);
    const at = real[real.length >> 1];
    if (at !== undefined) data.fill(value, at * D, (at + 1) * D);
  }
}
