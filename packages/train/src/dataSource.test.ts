import { expect, test } from "vitest";
import { checkSource, collate, countTargets, ignoreIndex, segmentsOf } from "./dataSource.ts";

const example = (ids: number[], targets: number[]) => ({
  ids: Int32Array.from(ids),
  targets: Int32Array.from(targets),
});

test("shorter examples are filled up with positions that do not count", () => {
  const batch = collate([example([1, 2, 3], [2, 3, 4]), example([5], [6])]);
  expect(batch).toEqual({
    size: 2,
    length: 3,
    ids: Int32Array.of(1, 2, 3, 5, 0, 0),
    targets: Int32Array.of(2, 3, 4, 6, ignoreIndex, ignoreIndex),
  });
  expect(countTargets(batch)).toBe(4);
});

test("segments are the columns in order, the last one as short as it must be", () => {
  const batch = collate([
    example([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]),
    example([11, 12, 13, 14, 15], [12, 13, 14, 15, 16]),
  ]);
  expect(segmentsOf(batch, undefined)).toEqual([batch]);
  expect(segmentsOf(batch, 5)).toEqual([batch]);
  expect(segmentsOf(batch, 3)).toEqual([
    {
      size: 2,
      length: 3,
      ids: Int32Array.of(1, 2, 3, 11, 12, 13),
      targets: Int32Array.of(2, 3, 4, 12, 13, 14),
    },
    { size: 2, length: 2, ids: Int32Array.of(4, 5, 14, 15), targets: Int32Array.of(5, 6, 15, 16) },
  ]);
});

test("what cannot be trained on is refused", () => {
  const refused = (make: () => unknown, message: string) => {
    expect(make).toThrow(expect.objectContaining({ code: "DATA" }));
    expect(make).toThrow(message);
  };
  refused(() => collate([example([], [])]), "at least one, got 0 ids");
  refused(() => collate([example([1, 2], [1])]), "got 2 ids and 1 targets");
  const source = { id: "letters", vocabSize: 26, count: 3, example: () => example([1], [2]) };
  refused(() => checkSource(source, 16), "letters has a vocabulary of 26, the model of 16");
  refused(() => checkSource({ ...source, count: 0 }, 26), "letters has no examples");
  checkSource({ ...source, count: undefined }, 26);
});
