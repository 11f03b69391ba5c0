import { expect, test } from "vitest";
import { shuffledIndex } from "./shuffledIndex.ts";

const epochOf = (epoch: number, count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => shuffledIndex(epoch * count + i, count, seed));

test.each([1, 2, 3, 7, 64, 65, 1000])("an epoch of %i examples has each of them once", (count) => {
  for (const epoch of [0, 1, 5]) {
    const seen = epochOf(epoch, count, 3);
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
  }
});

test("another epoch or seed has another order, equal seeds the same", () => {
  expect(epochOf(0, 100, 1)).toEqual(epochOf(0, 100, 1));
  expect(epochOf(0, 100, 1)).not.toEqual(epochOf(1, 100, 1));
  expect(epochOf(0, 100, 1)).not.toEqual(epochOf(0, 100, 2));
});

test("every example is at every position about equally often", () => {
  const count = 8;
  const table = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const seeds = 4000;
  for (let seed = 0; seed < seeds; seed++) {
    for (let position = 0; position < count; position++) {
      const row = table[position]!;
      row[shuffledIndex(position, count, seed)]! += 1;
    }
  }
  const expected = seeds / count;
  const chi2 = table.flat().reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
  expect(chi2).toBeLessThan(120); // 49 degrees of freedom: 85 is the 0.1 % point
});
