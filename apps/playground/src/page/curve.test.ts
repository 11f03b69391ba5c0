import { expect, test } from "vitest";
import { running, ticks } from "./curve.ts";

test.each([
  [400, 5, [0, 100, 200, 300, 400]],
  [3.2, 4, [0, 1, 2, 3]],
  [0.35, 4, [0, 0.1, 0.2, 0.3]],
  [1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
])("ticks up to %d, about %d of them", (end, about, expected) => {
  expect(ticks(end, about)).toEqual(expected);
});

test("the running mean begins with the first loss and follows", () => {
  expect(running([])).toEqual([]);
  expect(running([2, 2])).toEqual([2, 2]);
  const means = running([3, ...Array<number>(60).fill(1)]);
  expect(means[1]).toBeCloseTo(2.8, 12);
  expect(means.at(-1)).toBeCloseTo(1, 2);
});
