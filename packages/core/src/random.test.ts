import { expect, test } from "vitest";
import { uniformAt } from "./random.ts";

test("uniformAt is in [0, 1), spread out, and depends on every key", () => {
  const draws = Array.from({ length: 4000 }, (_, i) => uniformAt(7, i % 2, i >> 1));
  expect(draws.every((value) => value >= 0 && value < 1)).toBe(true);
  expect(new Set(draws).size).toBe(4000);
  const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02); // sd of the mean is 0.0046
});
