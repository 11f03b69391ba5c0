import { runConformance } from "@mamba/conformance";
import { test } from "vitest";
import { createWebGpuKernel } from "../src/index.ts";

await runConformance({ test, open: () => createWebGpuKernel() });
