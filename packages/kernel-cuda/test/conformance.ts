import { runConformance } from "@mamba/conformance";
import { test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

/**
 * The whole suite on the stand-in, with memory that ends where each tensor does and is never reused.
 *
 * @param options of the stand-in
 * @param driver builds another stand-in than the one that executes the kernels' sources
 */
export async function conformance(options: string, driver?: () => Promise<string>): Promise<void> {
  if (!available) {
    skipAll(`the conformance suite, ${options}`);
    return;
  }
  useStandIn(options, driver ? { driver: await driver() } : {});
  await runConformance({
    test,
    open: () => openCudaKernel({}, { exactPool: true }),
  });
}
