import { runConformance } from "@mamba/conformance";
import { test } from "vitest";
import { openCpuKernel } from "../src/create.ts";

// Addresses above 2 GiB are negative as signed numbers: the same suite at the far end of the memory. The room below is
// never touched, so the operating system gives no memory for it.
async function openHigh(threads: number) {
  const kernel = await openCpuKernel(threads, { shareAbove: 0, wakeAbove: 0 });
  kernel.runtime.heap.allocate(3.5 * 2 ** 30, "test");
  return kernel;
}

await runConformance({ test, open: () => openHigh(1), openVariants: [() => openHigh(2)] });
