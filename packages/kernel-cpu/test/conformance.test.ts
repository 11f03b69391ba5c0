import { runConformance } from "@mamba/conformance";
import { test } from "vitest";
import { openCpuKernel } from "../src/create.ts";

// Every job of more than one unit is shared here, however small: the results must be those of one thread, bit for bit.
await runConformance({
  test,
  open: () => openCpuKernel(1),
  openVariants: [
    () => openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 }),
    () => openCpuKernel(5, { shareAbove: 0 }),
  ],
});
