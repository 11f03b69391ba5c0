import { runConformance } from "@mamba/conformance";
import { test } from "vitest";
import { createWebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";

if (available) await runConformance({ test, open: () => createWebGpuKernel() });
else skipAll("the conformance suite");
