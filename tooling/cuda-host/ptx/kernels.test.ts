import { beforeAll, expect, test } from "vitest";
import { kernelCases, prelude } from "./test/kernels.ts";
import { available, skipAll } from "../test/available.ts";
import { standIn, type Job } from "./test/run.ts";

const threads = 64;
const job = (i: number): Job => ({
  kernel: `kernel_${i}`,
  threads,
  results: threads,
  input: Array.from({ length: threads }, (_, thread) => BigInt(100 * thread)),
});

if (available) {
  let run: Awaited<ReturnType<typeof standIn>>;

  beforeAll(async () => {
    run = await standIn("kernels", prelude + kernelCases.map(({ ptx }) => ptx).join(""));
  });

  test.each(kernelCases.map((each, i) => [each.title, each, i] as const))("%s", (_, { expected }, i) => {
    const { succeeded, report, outputs } = run([job(i)]);
    if (typeof expected !== "function") {
      expect(succeeded).toBe(false);
      expect(report).toMatch(expected);
      expect(report).toContain(`kernel_${i}`);
      return;
    }
    expect(report).toBe("");
    expect(outputs).toEqual([Array.from({ length: threads }, (_, thread) => BigInt(expected(thread)))]);
  });
} else skipAll("kernels in PTX");
