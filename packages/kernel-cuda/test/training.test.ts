import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { distance, parityTolerance, trainSmallModel } from "@mamba/parity";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

if (available) {
  useStandIn("");
  test("a model learns on CUDA as it does on the CPU, step by step", async () => {
    await using cuda = await openCudaKernel();
    await using cpu = await createCpuKernel({ threads: 1 });
    const [actual, expected] = [await trainSmallModel(cuda), await trainSmallModel(cpu)];
    expect(expected.at(-1)?.loss).toBeLessThan((expected[0]?.loss ?? 0) / 2);
    const { loss, gradNorm } = distance(actual, expected);
    expect(loss).toBeLessThan(parityTolerance);
    expect(gradNorm).toBeLessThan(parityTolerance);
    expect(cuda.memory()).toEqual({ tensors: 0, bytes: 0 });
    // The first of 20 steps runs without graphs, and the second creates them.
    expect(cuda.counts.graphs).toBeGreaterThan(10 * cuda.counts.built);
  });
} else skipAll("training");
