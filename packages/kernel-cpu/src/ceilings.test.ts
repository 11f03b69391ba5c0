import { expect, test } from "vitest";
import { measureCeilings } from "./ceilings.ts";
import { openCpuKernel } from "./create.ts";

test("ceilings are those of a computer, and the heap is as before", async () => {
  await using kernel = await openCpuKernel(2);
  const { heap } = kernel.runtime;
  const held = heap.liveBytes;
  const { read, arithmetic } = measureCeilings(kernel, 2, 2 ** 24);
  for (const rate of [read.oneThread, read.allThreads]) {
    expect(rate).toBeGreaterThan(1e8);
    expect(rate).toBeLessThan(1e12);
  }
  for (const rate of [arithmetic.oneThread, arithmetic.allThreads]) {
    expect(rate).toBeGreaterThan(1e8);
    expect(rate).toBeLessThan(1e13);
  }
  expect(heap.liveBytes).toBe(held);
});
