import { createCpuKernel } from "@mamba/kernel-cpu";
import { generateOnTwo } from "@mamba/parity";
import { expect, test } from "vitest";
import { createWebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";

if (available) {
  test("a hybrid goes on from the state of the CPU on WebGPU and the other way", async () => {
    await using gpu = await createWebGpuKernel();
    await using cpu = await createCpuKernel({ threads: 1, activations: "f32" });
    const expected = await generateOnTwo(cpu, cpu);
    expect(new Set(expected).size).toBeGreaterThan(2);
    expect(await generateOnTwo(cpu, gpu)).toEqual(expected);
    expect(await generateOnTwo(gpu, cpu)).toEqual(expected);
    expect(gpu.memory()).toEqual({ tensors: 0, bytes: 0 });
  }, 60_000);
} else skipAll("saved states");
