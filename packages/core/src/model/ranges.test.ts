import { expect, test } from "vitest";
import { checkRanges, rangesFromMask } from "./ranges.ts";

test("padding may stand on either side, or be everything", () => {
  const mask = [
    [0, 0, 1, 1],
    [1, 1, 1, 0],
    [1, 1, 1, 1],
    [0, 0, 0, 0],
  ];
  expect(rangesFromMask(mask)).toEqual([
    [2, 4],
    [0, 3],
    [0, 4],
    [0, 0],
  ]);
});

test.each([[[1, 0, 1]], [[0, 2, 0]], [[1, -1, 1]], [[0.5, 0.5, 0]]])("mask row %j is refused", (row) => {
  expect(() => rangesFromMask([row])).toThrow(expect.objectContaining({ code: "INPUT" }));
});

test.each([
  [[[0, 3]], 2],
  [[[0, 4]], 1],
  [[[2, 1]], 1],
  [[[-1, 1]], 1],
  [[[0, 1.5]], 1],
])("ranges %j for %i rows of 3 are refused", (ranges, batch) => {
  expect(() => checkRanges(ranges as unknown as [number, number][], batch, 3)).toThrow(
    expect.objectContaining({ code: "INPUT" }),
  );
});
