/// <reference lib="dom" />
import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { createWebGpuKernel, provider } from "../../src/index.ts";

test("the provider opens the device that it reports", async () => {
  const found = await provider.probe();
  await using kernel = await provider.create();
  expect(found).toEqual({ ok: true, device: kernel.capabilities.device, software: true });
});

await runConformance({ test, open: () => createWebGpuKernel() });
