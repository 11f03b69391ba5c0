import { runConformance } from "@mamba/conformance";
import { test } from "vitest";
import { openCpuKernel } from "../src/create.ts";

// The cases of quantised weights once more, with rows of x that are not rounded to int8, and so with the tolerance of f32.

const covered = /^(linear|expertLinear) .*(q8_0|q4_0|q5_1|iq4_nl|_k)/;
await runConformance({
  test: (name, body) => {
    if (covered.test(name)) test(name, body);
  },
  open: () => openCpuKernel(1, {}, "f32"),
  openVariants: [() => openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 }, "f32")],
});
