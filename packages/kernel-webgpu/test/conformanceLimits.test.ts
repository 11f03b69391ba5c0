import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openWebGpuKernel } from "../src/create.ts";
import { available, skipAll, smallestDevice } from "./available.ts";

// The suite on a device with the default limits of WebGPU and no features, with the shaders for GPUs, which need the most. The
// variant processes weights in chunks of a few rows, as it does tables above 128 MiB, and must give the same bits.

if (available) {
  const device = await smallestDevice();
  test("the device has the default limits", () => {
    const { maxStorageBuffersPerShaderStage, maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    expect(maxStorageBuffersPerShaderStage).toBe(8);
    expect(maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
    expect(maxBufferSize).toBe(256 * 2 ** 20);
  });
  await runConformance({
    test,
    open: () => openWebGpuKernel(device, false, { parallel: true }),
    openVariants: [() => openWebGpuKernel(device, false, { parallel: true, chunkBytes: 1000 })],
  });
  test("a given device is not destroyed", async () => {
    const state = await Promise.race([device.lost, Promise.resolve("alive")]);
    expect(state).toBe("alive");
    device.destroy();
  });
} else skipAll("the conformance suite with the default limits");
