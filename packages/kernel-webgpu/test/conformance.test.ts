import { runConformance } from "@mamba/conformance";
import { createWebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";
import { isRepeated, only } from "./selection.ts";

if (available) {
  await runConformance({ test: only((name) => !isRepeated(name)), open: () => createWebGpuKernel() });
} else skipAll("the conformance suite");
