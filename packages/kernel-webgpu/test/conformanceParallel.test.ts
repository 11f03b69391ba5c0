import { runConformance } from "@mamba/conformance";
import { describe, expect, test } from "vitest";
import { openWebGpuKernel } from "../src/create.ts";
import { createWebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";
import { only, quantizedTypeOf } from "./selection.ts";

// The shaders for GPUs on any adapter, with its features: the tests of the ops that have such shaders. All other tests would
// run the same code as conformance.test.ts.
const differing = /^((linear(Backward\w+)?|rmsNorm|argmax|sample) |expertLinear R1 )/;

if (available) {
  const open = async () => {
    const { runtime } = await createWebGpuKernel();
    return openWebGpuKernel(runtime.device, true, { parallel: true });
  };
  test("shaders use the features of the adapter", async () => {
    await using kernel = await open();
    const { traits, device } = kernel.runtime;
    expect(traits).toEqual({
      parallel: true,
      batchInvariant: false,
      subgroups: device.features.has("subgroups"),
      f16: device.features.has("shader-f16"),
    });
  });
  let tests = 0;
  const isRepeated = (name: string): boolean => ![undefined, "q4_0"].includes(quantizedTypeOf(name));
  const counted = only((name) => {
    const passes = (differing.test(name) && !isRepeated(name)) || name === "the kernels close";
    if (passes) tests++;
    return passes;
  });
  await runConformance({ test: counted, open });
  test("each of these ops has its tests", () => expect(tests).toBeGreaterThan(100));

  // The shaders that give a row the same bits for any number of rows, with both ways to combine the sums of invocations.
  const chosen =
    /^(laws: same bits: (linear|rmsNorm|selectiveScan|sample)|linear rows (9|130) in (33|257) |the kernels close$)/;
  for (const subgroups of [true, false]) {
    const openInvariant = async () => {
      const { runtime } = await createWebGpuKernel();
      const features = { subgroups: subgroups && runtime.traits.subgroups };
      return openWebGpuKernel(runtime.device, true, { parallel: true, batchInvariant: true, ...features });
    };
    const what = `batch invariant, ${subgroups ? "subgroups if there are any" : "no subgroups"}`;
    describe(what, async () => {
      test("capabilities.batchInvariant is true", async () => {
        await using kernel = await openInvariant();
        expect(kernel.capabilities.batchInvariant).toBe(true);
      });
      await runConformance({
        test: only((name) => chosen.test(name) && !isRepeated(name)),
        open: openInvariant,
      });
    });
  }
} else skipAll("the conformance suite on the shaders for GPUs");
