import type { Kernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { expect, test } from "vitest";
import { distance, parityTolerance, trainSmallModel } from "@mamba/parity";
import { createWebGpuKernel } from "../../src/index.ts";

test("a model learns in a browser as it does on the CPU, step by step", async () => {
  await using gpu = await createWebGpuKernel();
  await using cpu = await createCpuKernel({ threads: 1 });
  const train = (kernel: Kernel) => trainSmallModel(kernel, "a language model");
  const [actual, expected] = [await train(gpu), await train(cpu)];
  expect(expected.at(-1)?.loss).toBeLessThan((expected[0]?.loss ?? 0) / 2);
  const { loss, gradNorm } = distance(actual, expected);
  expect(loss).toBeLessThan(parityTolerance);
  expect(gradNorm).toBeLessThan(parityTolerance);
  expect(gpu.memory()).toEqual({ tensors: 0, bytes: 0 });
});
