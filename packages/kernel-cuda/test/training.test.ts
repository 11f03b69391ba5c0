import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { distance, parityTolerance, trainingNames, trainSmallModel } from "@mamba/parity";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

if (available) {
  useStandIn("");
  test.each(trainingNames)("%s learns on CUDA as on the CPU, step by step", async (name) => {
    await using cuda = await openCudaKernel();
    await using cpu = await createCpuKernel({ threads: 1, activations: "f32" });
    const [actual, expected] = [await trainSmallModel(cuda, name), await trainSmallModel(cpu, name)];
    expect(expected.at(-1)?.loss).toBeLessThan(expected[0]?.loss ?? 0);
    const { loss, gradNorm } = distance(actual, expected);
    expect(loss).toBeLessThan(parityTolerance);
    expect(gradNorm).toBeLessThan(parityTolerance);
    expect(cuda.memory()).toEqual({ tensors: 0, bytes: 0 });
    // The first of the 20 steps of the language model runs without graphs, and the second creates them.
    if (name === "a language model") expect(cuda.counts.graphs).toBeGreaterThan(10 * cuda.counts.built);
  });
} else skipAll("training");
