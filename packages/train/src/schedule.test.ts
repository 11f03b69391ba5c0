import { expect, test } from "vitest";
import { lrFactor, type Schedule } from "./schedule.ts";

const base: Schedule = { schedule: "cosine", steps: 110, warmupSteps: 10, finalLr: 0.1 };

test("the warmup rises linearly and ends at the largest rate, for every kind", () => {
  for (const schedule of ["constant", "linear", "cosine"] as const) {
    const at = (step: number) => lrFactor({ ...base, schedule }, step);
    expect([1, 2, 5, 9].map(at)).toEqual([0.1, 0.2, 0.5, 0.9]);
    expect(at(10)).toBe(1);
  }
});

test("cosine: half way at the mean, a quarter at its closed form, the end at finalLr", () => {
  expect(lrFactor(base, 60)).toBeCloseTo(0.55, 12);
  expect(lrFactor(base, 35)).toBeCloseTo(0.1 + 0.45 * (1 + Math.SQRT1_2), 12);
  expect(lrFactor(base, 110)).toBeCloseTo(0.1, 12);
});

test("linear falls by equal amounts, constant does not fall", () => {
  expect(lrFactor({ ...base, schedule: "linear" }, 60)).toBeCloseTo(0.55, 12);
  expect(lrFactor({ ...base, schedule: "linear" }, 110)).toBeCloseTo(0.1, 12);
  expect(lrFactor({ ...base, schedule: "constant" }, 110)).toBe(1);
});

test("without warmup the first step has the largest rate; a run of one step too", () => {
  expect(lrFactor({ ...base, warmupSteps: 0 }, 1)).toBe(1);
  expect(lrFactor({ ...base, warmupSteps: 0, steps: 1 }, 1)).toBe(1);
  expect(lrFactor({ ...base, warmupSteps: 4, steps: 4 }, 4)).toBe(1);
});
