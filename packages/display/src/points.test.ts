import { expect, test } from "vitest";
import { condense, lossAt, runningMean } from "./points.ts";

const points = [1, 3, 5, 7, 9].map((loss, i) => ({ step: i + 1, loss }));

test("many points become means, few stay as they are", () => {
  expect(condense(points, 10)).toEqual(points);
  expect(condense(points, 3)).toEqual([
    { step: 2, loss: 2 },
    { step: 4, loss: 6 },
    { step: 5, loss: 9 },
  ]);
  expect(condense([], 3)).toEqual([]);
});

test("between two points a loss is interpolated, outside it is that of the nearest point", () => {
  expect([0, 1, 2.25, 5, 6].map((step) => lossAt(points, step))).toEqual([1, 1, 3.5, 9, 9]);
});

test("the running mean begins with the first value and follows the others", () => {
  expect(runningMean([])).toEqual([]);
  expect(runningMean([2, 2])).toEqual([2, 2]);
  const means = runningMean([3, ...Array<number>(60).fill(1)]);
  expect(means[1]).toBeCloseTo(2.8, 12);
  expect(means.at(-1)).toBeCloseTo(1, 2);
});
