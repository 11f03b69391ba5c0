import { runConformance } from "@mamba/conformance";
import { createWebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";
import { only, quantizedTypeOf } from "./selection.ts";

const severalRows = /^(linear(BackwardInput| rows (?!1 ))|expertLinearBackwardInput )|same bits: linear/;

/** True for products of several rows with a quantised type, except two that have every kind of plane between them. */
function isRepeated(name: string): boolean {
  const type = quantizedTypeOf(name);
  return type !== undefined && type !== "q8_0" && type !== "q5_k" && severalRows.test(name);
}

if (available) {
  await runConformance({ test: only((name) => !isRepeated(name)), open: () => createWebGpuKernel() });
} else skipAll("the conformance suite");
