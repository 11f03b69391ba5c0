import { runConformance } from "@mamba/conformance";
import { test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

/**
 * Runs the whole suite on the stand-in, with memory of each tensor's exact size that is never reused.
 *
 * @param options of the stand-in
 * @param driver builds another stand-in instead of the one that executes the CUDA sources
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
