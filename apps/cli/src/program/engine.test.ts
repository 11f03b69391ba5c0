import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { enableRelaxedSimd } from "./engine.ts";

test("the cpu backend fuses multiply-adds in this program", async () => {
  enableRelaxedSimd();
  await using kernel = await createCpuKernel({ threads: 1 });
  expect(kernel.capabilities.device).toContain("fused multiply-add");
});
