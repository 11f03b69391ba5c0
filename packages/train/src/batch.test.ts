import { expect, test } from "vitest";
import { chunksOf, collate, countTargets } from "./batch.ts";
import { ignoreIndex } from "./dataSource.ts";

const example = (ids: number[], targets: number[]) => ({
  ids: Int32Array.from(ids),
  targets: Int32Array.from(targets),
});

test("shorter examples are padded at their ends with positions that do not count", () => {
  const batch = collate([example([1, 2, 3], [2, 3, 4]), example([5], [6])]);
  expect(batch).toEqual({
    size: 2,
    length: 3,
    ids: Int32Array.of(1, 2, 3, 5, 0, 0),
    targets: Int32Array.of(2, 3, 4, 6, ignoreIndex, ignoreIndex),
  });
  expect(countTargets(batch)).toBe(4);
});

test("chunks are the columns in order, the last one as short as it must be", () => {
  const batch = collate([
    example([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]),
    example([11, 12, 13, 14, 15], [12, 13, 14, 15, 16]),
  ]);
  expect(chunksOf(batch, undefined)).toEqual([batch]);
  expect(chunksOf(batch, 5)).toEqual([batch]);
  expect(chunksOf(batch, 3)).toEqual([
    {
      size: 2,
      length: 3,
      ids: Int32Array.of(1, 2, 3, 11, 12, 13),
      targets: Int32Array.of(2, 3, 4, 12, 13, 14),
    },
    { size: 2, length: 2, ids: Int32Array.of(4, 5, 14, 15), targets: Int32Array.of(5, 6, 15, 16) },
  ]);
});
