import { expect, test } from "vitest";
import { runConformance, type TestFunction } from "../src/index.ts";
import { int8Kernel } from "./int8Kernel.ts";

// A kernel with int8 activations differs in `linear` of quantised weights alone.

const own = /^linear (?!.*\b(f32|f16|bf16)\b)|same bits: linear with|laws: linear/;
const skips: string[] = [];
const collect: TestFunction = (name, body) => {
  if (own.test(name)) test(name, body);
};
collect.skip = (name) => skips.push(name);
const { skipped } = await runConformance({ test: collect, open: () => Promise.resolve(int8Kernel()) });

test("only the law of exact activations is skipped", () => {
  expect(skips).toHaveLength(skipped.length);
  expect(new Set(skipped.map(({ reason }) => reason))).toEqual(new Set(["capabilities.activations is int8"]));
});
