/// <reference lib="dom" />
import { cases, runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { createWebGpuKernel, provider } from "../../src/index.ts";
import { chooser, only, quantizedTypeOf } from "../selection.ts";

test("the provider opens the device that it reports", async () => {
  const found = await provider.probe();
  await using kernel = await provider.create();
  expect(found).toEqual({ ok: true, device: kernel.capabilities.device, software: true });
});

// The adapter and the shaders are those of the whole suite in Node. A browser has its own WebGPU around them, which the contract tests and
// a part of the cases use, and its own compiler of WGSL: it gets shaders of every op, and all products of two quantised types. The
// contract tests and embeddings read the others.
const isChosen = chooser(4);
const isRepeated = (name: string): boolean =>
  ![undefined, "q8_0", "q5_k"].includes(quantizedTypeOf(name)) && /^(expertL|l)inear/.test(name);
const tested = new Set<string>();
const counted = only((name) => {
  const passes = isChosen(name) && !isRepeated(name);
  if (passes) tested.add(name.split(" ")[0] ?? "");
  return passes;
});
await runConformance({ test: counted, open: () => createWebGpuKernel() });

test("every op is tested", () => {
  const ops = new Set(cases.map(({ name }) => name.split(" ")[0]));
  expect([...ops].filter((op) => op === undefined || !tested.has(op))).toEqual([]);
});
