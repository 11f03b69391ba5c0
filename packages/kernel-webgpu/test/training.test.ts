import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { distance, parityTolerance, trainingNames, trainSmallModel } from "@mamba/parity";
import { createWebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";

if (available) {
  test.each(trainingNames)(
    "%s learns on WebGPU as on the CPU, step by step",
    { timeout: 300_000 },
    async (name) => {
      await using gpu = await createWebGpuKernel();
      await using cpu = await createCpuKernel({ threads: 1, activations: "f32" });
      const [actual, expected] = [await trainSmallModel(gpu, name), await trainSmallModel(cpu, name)];
      expect(expected.at(-1)?.loss).toBeLessThan(expected[0]?.loss ?? 0);
      const { loss, gradNorm } = distance(actual, expected);
      expect(loss).toBeLessThan(parityTolerance);
      expect(gradNorm).toBeLessThan(parityTolerance);
      expect(gpu.memory()).toEqual({ tensors: 0, bytes: 0 });
    },
  );
} else skipAll("training");
