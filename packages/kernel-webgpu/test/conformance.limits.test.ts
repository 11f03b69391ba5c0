import { runConformance } from "@mamba/conformance";
import { expect, test } from "vitest";
import { openWebGpuKernel } from "../src/create.ts";
import { available, skipAll, smallestDevice } from "./available.ts";

// The suite on a device with the limits that WebGPU guarantees and no more, and no features: on the shaders for GPUs, which need
// most of them. The variant takes weights in pieces of a few rows, as tables above 128 MiB are taken, and must agree bit
// for bit.

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
    openVariants: [() => openWebGpuKernel(device, false, { parallel: true, pieceBytes: 1000 })],
  });
  test("the device that was given is still there", async () => {
    const state = await Promise.race([device.lost, Promise.resolve("alive")]);
    expect(state).toBe("alive");
    device.destroy();
  });
} else skipAll("the conformance suite with the default limits");
