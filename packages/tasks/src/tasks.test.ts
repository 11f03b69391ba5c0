import { type DataSource, type Example, ignoreIndex } from "@mamba/train";
import { expect, test } from "vitest";
import { associativeRecall } from "./associativeRecall.ts";
import { inductionHeads } from "./inductionHeads.ts";
import { parity } from "./parity.ts";
import { selectiveCopying } from "./selectiveCopying.ts";

const at = (source: DataSource, index: number) => source.example(index) as Example;
const many = Array.from({ length: 200 }, (_, index) => index);

test("induction heads ask, at the end alone, for what followed the special token", () => {
  const source = inductionHeads({ length: 12, seed: 4 });
  const places = new Set<number>();
  for (const index of many) {
    const { ids, targets } = at(source, index);
    const place = ids.indexOf(15);
    places.add(place);
    expect([...ids].flatMap((id, i) => (id === 15 ? [i] : []))).toEqual([place, 11]);
    expect(targets[11]).toBe(ids[place + 1]);
    expect([...targets.subarray(0, 11)]).toEqual(new Array(11).fill(ignoreIndex));
  }
  expect([...places].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("selective copying asks for the tokens in their order, at the signs", () => {
  const source = selectiveCopying({ length: 20, tokens: 4, vocabSize: 6, seed: 1 });
  const gaps = new Set<number>();
  for (const index of many) {
    const { ids, targets } = at(source, index);
    const scattered = [...ids.subarray(0, 20)].filter((id) => id !== 0);
    gaps.add(ids.findIndex((id) => id !== 0));
    expect(scattered).toHaveLength(4);
    expect(scattered.every((id) => id >= 1 && id <= 4)).toBe(true);
    expect([...ids.subarray(20)]).toEqual([5, 5, 5, 5]);
    expect([...targets.subarray(20)]).toEqual(scattered);
    expect([...targets.subarray(0, 20)]).toEqual(new Array(20).fill(ignoreIndex));
  }
  expect(gaps.size).toBeGreaterThan(8);
});

test("associative recall asks once for each pair's value, at random places after the pairs", () => {
  const source = associativeRecall({ length: 40, pairs: 5, vocabSize: 21, seed: 2 });
  const seen = new Set<number>();
  for (const index of many) {
    const { ids, targets } = at(source, index);
    const values = new Map(Array.from({ length: 5 }, (_, i) => [ids[2 * i], ids[2 * i + 1]]));
    expect(values.size).toBe(5);
    for (const [key = -1, value = -1] of values) {
      expect([key >= 0 && key < 10, value >= 10 && value < 21]).toEqual([true, true]);
    }
    const asked = [...targets].flatMap((target, place) => (target === ignoreIndex ? [] : [place]));
    expect(asked).toHaveLength(5);
    expect(new Set(asked.map((place) => ids[place])).size).toBe(5);
    for (const place of asked) {
      seen.add(place);
      expect(place).toBeGreaterThanOrEqual(10);
      expect(targets[place]).toBe(values.get(ids[place]));
    }
    const keys = [...ids.subarray(10)].filter((id) => id < 10);
    expect(keys).toHaveLength(5); // all else are values
  }
  expect(seen.size).toBe(30);
});

test("parity asks at each position for the sum of the bits so far, modulo 2", () => {
  const { ids, targets } = at(parity({ length: 1000, seed: 3 }), 7);
  let sum = 0;
  ids.forEach((bit, i) => {
    sum += bit;
    expect(targets[i]).toBe(sum % 2);
  });
  expect(Math.abs(sum - 500)).toBeLessThan(64);
});

test("places are equally likely", () => {
  const source = selectiveCopying({ length: 10, tokens: 3 });
  const seen = new Array<number>(10).fill(0);
  for (let index = 0; index < 5000; index++) {
    at(source, index)
      .ids.subarray(0, 10)
      .forEach((id, i) => {
        if (id !== 0) seen[i]! += 1;
      });
  }
  for (const count of seen) expect(Math.abs(count - 1500)).toBeLessThan(4 * Math.sqrt(5000 * 0.3 * 0.7));
});

test("full of tokens it is plain copying", () => {
  const { ids, targets } = at(selectiveCopying({ length: 5, tokens: 5 }), 0);
  expect([...targets.subarray(5)]).toEqual([...ids.subarray(0, 5)]);
});

test.each([
  inductionHeads({ length: 64 }),
  selectiveCopying({ length: 64 }),
  associativeRecall({ length: 64 }),
  parity({ length: 64 }),
])("examples depend on seed and index alone: $id", (source) => {
  const later = at(source, 1e12);
  const first = at(source, 0);
  expect(at(source, 1e12)).toEqual(later);
  expect(first).not.toEqual(later);
  expect(at(source, 1)).not.toEqual(first);
  expect(at(source, 1e12 - 2 ** 32)).not.toEqual(later);
});

test("seeds differ", () => {
  const one = (seed: number) => at(inductionHeads({ length: 64, seed }), 0);
  expect(one(1)).not.toEqual(one(2));
});

test.each([
  [() => inductionHeads({ length: 2 }), "induction heads: length must be a whole number from 3"],
  [() => inductionHeads({ length: 8, vocabSize: 1 }), "vocabSize must be"],
  [
    () => selectiveCopying({ length: 8, tokens: 9 }),
    "selective copying: tokens must be a whole number from 1 to 8",
  ],
  [() => selectiveCopying({ length: 8, tokens: 2, vocabSize: 2 }), "vocabSize must be a whole number from 3"],
  [() => selectiveCopying({ length: 8, tokens: 2, seed: 0.5 }), "seed must be"],
])("%s is refused", (make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: "CONFIG" }));
  expect(make).toThrow(message);
});
