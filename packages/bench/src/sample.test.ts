import { expect, test } from "vitest";
import { spread } from "./sample.ts";

test("median and best", () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, best: 1 });
  expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, best: 1 });
  expect(spread([5])).toEqual({ median: 5, best: 5 });
});
