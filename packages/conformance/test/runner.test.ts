import { type DType, type Kernel, quantizedTypes } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { runConformance, type TestFunction } from "../src/index.ts";
import { inferenceKernel } from "./inferenceKernel.ts";

/** Does not train, stores float32 and f16, and takes f16 in `embedding` only. */
const narrowKernel = (): Kernel =>
  inferenceKernel(
    { storage: new Set<DType>(["f32", "i32", "f16"]), deterministic: false },
    (op, dtype) => dtype === "f32" || dtype === "i32" || (dtype === "f16" && op === "embedding"),
  );

type Body = () => Promise<void>;

function collector(withSkip: boolean) {
  const tests: { name: string; body: Body }[] = [];
  const skips: string[] = [];
  const collect: TestFunction = (name, body) => tests.push({ name, body });
  if (withSkip) collect.skip = (name) => skips.push(name);
  return { test: collect, tests, skips };
}

describe("runConformance", () => {
  test("skips by capabilities and supports alone, with the reason", async () => {
    const { test: collect, tests, skips } = collector(true);
    const summary = await runConformance({ test: collect, open: () => Promise.resolve(narrowKernel()) });
    expect(new Set(summary.skipped.map(({ reason }) => reason))).toEqual(
      new Set([
        ...["bf16", ...quantizedTypes].map((dtype) => `capabilities.storage has no ${dtype}`),
        'supports("expertLinear", "f16") is false',
        'supports("linear", "f16") is false',
        "capabilities.training is false",
      ]),
    );
    expect(skips).toEqual(summary.skipped.map(({ name, reason }) => `${name} (skipped: ${reason})`));
    const others = summary.skipped.filter(({ reason }) => reason !== "capabilities.training is false");
    expect(
      others.every(({ name }) =>
        /^(linear|expertLinear|embedding|memory|laws: (same bits: )?(linear|expertLinear|embedding))/.test(
          name,
        ),
      ),
    ).toBe(true);
    expect(others.length).toBeLessThan(skips.length);
    expect(summary.tests).toBe(tests.length + skips.length);
  });

  test("gives a runner without skip the same tests under names that say so", async () => {
    const { test: collect, tests } = collector(false);
    const summary = await runConformance({ test: collect, open: () => Promise.resolve(narrowKernel()) });
    expect(tests.filter(({ name }) => name.includes("(skipped: "))).toHaveLength(summary.skipped.length);
    expect(tests).toHaveLength(summary.tests);
  });

  test("keeps a runner that starts all tests at once in order, and closes what it opened", async () => {
    const kernels: { kernel: Kernel; closed: boolean }[] = [];
    const open = async (): Promise<Kernel> => {
      const entry: { kernel: Kernel; closed: boolean } = { kernel: narrowKernel(), closed: false };
      const dispose = entry.kernel.dispose.bind(entry.kernel);
      entry.kernel.dispose = () => {
        entry.closed = true;
        return dispose();
      };
      kernels.push(entry);
      return Promise.resolve(entry.kernel);
    };
    const { test: collect, tests } = collector(true);
    await runConformance({ test: collect, open, openVariants: [open] });
    const chosen = tests.filter(({ name }) => /^(add|memory|lifetime|the kernels)/.test(name));
    const results = await Promise.allSettled(chosen.map(({ body }) => body()));
    expect(results.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(kernels.length).toBeGreaterThan(2);
    expect(kernels.filter(({ closed }) => !closed)).toEqual([]);
  });
});
