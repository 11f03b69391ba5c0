import type { Tensor } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { benchmarkCases, cases, loadCase, type OpCase } from "../src/index.ts";
import { ReferenceKernel } from "./referenceKernel.ts";

/** The first case of an op. */
function firstOf(op: string, items: readonly OpCase[] = cases): OpCase {
  const item = items.find((item) => item.op === op);
  if (item === undefined) throw new Error(`no case of ${op}`);
  return item;
}

async function contents(kernel: ReferenceKernel, outputs: Readonly<Record<string, Tensor>>) {
  const data = await kernel.read(...Object.values(outputs));
  for (const output of Object.values(outputs)) output.dispose();
  return data;
}

describe("loadCase", () => {
  test.each(["linear", "selectiveScanBackward"])(
    "runs %s any number of times and frees the inputs",
    async (op) => {
      const kernel = new ReferenceKernel();
      const loaded = loadCase(kernel, firstOf(op));
      const held = kernel.memory();
      const first = await contents(kernel, loaded.run());
      expect(await contents(kernel, loaded.run())).toEqual(first);
      expect(kernel.memory()).toEqual(held);
      loaded[Symbol.dispose]();
      expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
    },
  );

  test("goes on from inputs that the op updated in place, in each copy by itself", async () => {
    const kernel = new ReferenceKernel();
    using loaded = loadCase(kernel, firstOf("selectiveStateUpdate"), { copies: 2 });
    const outputs = [];
    for (let i = 0; i < 4; i++) outputs.push(await contents(kernel, loaded.run()));
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[3]).toEqual(outputs[2]);
    expect(outputs[2]).not.toEqual(outputs[0]);
  });

  test("frees what it has uploaded when the next input does not fit", () => {
    const kernel = new ReferenceKernel();
    const head = benchmarkCases.find(({ op, sizes }) => op === "linear" && sizes["O"] === 50_280);
    expect(() => loadCase(kernel, head ?? firstOf("linear"))).toThrow("the largest tensor here");
    expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
  });

  test("runs a case of the benchmark", async () => {
    const kernel = new ReferenceKernel();
    using loaded = loadCase(kernel, firstOf("causalConv1dStep", benchmarkCases));
    const [y] = await contents(kernel, loaded.run());
    expect(y?.every(Number.isFinite)).toBe(true);
  });
});
