import { expect, test } from "vitest";
import type { BenchmarkCase } from "../benchmarkCase.ts";
import { toFigure } from "./figure.ts";

const ceilings = {
  read: { oneThread: 10e9, allThreads: 20e9 },
  arithmetic: { oneThread: 40e9, allThreads: 80e9 },
};
const item: BenchmarkCase = {
  ...{ name: "x", dtype: "f32", bytes: 1e9, flops: 2e9, tokens: 4 },
  prepare: () => () => undefined,
};
const timing = { item, threads: 1, seconds: { median: 0.4, best: 0.2 }, poolBytes: 1, poolGrowthBytes: 0 };

test("a figure is compared with the ceiling that binds, of as many threads", () => {
  // 1e9 bytes take 0.1 s at 10 GB/s; 2e9 operations take 0.05 s at 40 GFLOP/s.
  expect(toFigure(timing, ceilings)).toMatchObject({
    bound: "bytes",
    ofCeiling: { median: 0.25, best: 0.5 },
    tokensPerSecond: { median: 10, best: 20 },
  });
  const heavy = { ...timing, threads: 2, item: { ...item, flops: 16e9 } };
  expect(toFigure(heavy, ceilings)).toMatchObject({ bound: "flops", ofCeiling: { median: 0.5, best: 1 } });
});
