import { expect, test } from "vitest";
import { formatBytes, formatCount, formatRate, formatSeconds } from "./numbers.ts";

test("units", () => {
  expect([0, 999, 1000, 517_200_000, 2.5e12].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "517.2 MB",
    "2.5 TB",
  ]);
  expect([5, 129_135_360].map(formatCount)).toEqual(["5", "129.1 M"]);
  expect([120, 1.5, 0.0084, 2.5e-6].map(formatSeconds)).toEqual(["120 s", "1.50 s", "8.40 ms", "2.5 µs"]);
  expect([47.312, 263.4].map(formatRate)).toEqual(["47.3", "263"]);
});
