import { runConformance } from "@mamba/conformance";
import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { createCpuKernel } from "../src/index.ts";
import { openCpuKernel } from "../src/create.ts";
import { hasRelaxedSimd } from "../src/wasm.ts";

// Node 20 has relaxed SIMD behind a flag, which the latest versions do not know any more. Setting it here reaches this
// process alone: vitest gives each test file its own.
if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

test("the fused build is picked", async () => {
  expect(hasRelaxedSimd()).toBe(true);
  await using kernel = await createCpuKernel({ threads: 1 });
  expect(kernel.capabilities.device).toContain("fused multiply-add");
});

await runConformance({
  test,
  open: () => openCpuKernel(1),
  openVariants: [() => openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 })],
});
