import { KernelError } from "@mamba/kernel";
import { expect, test } from "vitest";
import { openWebGpuKernel } from "../src/create.ts";
import { createWebGpuKernel } from "../src/index.ts";
import type { WebGpuTensor } from "../src/memory/tensor.ts";
import { defineShader } from "../src/shader.ts";
import { available, skipAll, smallestDevice } from "./available.ts";

const ones = new Float32Array(64).fill(1);

if (available) {
  test("a lost device rejects pending reads and refuses later calls, with its code", async () => {
    const device = await smallestDevice();
    await using kernel = await openWebGpuKernel(device, false);
    const x = kernel.upload(ones, [64], "f32");
    expect((await kernel.read(kernel.scale(x, 2)))[0]?.[63]).toBe(2);
    const pending = kernel.read(kernel.scale(x, 3));
    const waiting = kernel.sync();
    const outcomes = Promise.allSettled([pending, waiting]);
    device.destroy();
    const failure = await kernel.lost;
    expect(KernelError.is(failure, "DEVICE_LOST")).toBe(true);
    // Work that finished before the loss may still arrive; every rejection has the code.
    for (const outcome of await outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "DEVICE_LOST" });
    }
    expect(() => kernel.scale(x, 2)).toThrow(expect.objectContaining({ code: "DEVICE_LOST" }));
    expect(() => kernel.upload(ones, [64], "f32")).toThrow(expect.objectContaining({ code: "DEVICE_LOST" }));
    await expect(kernel.read(x)).rejects.toMatchObject({ code: "DEVICE_LOST" });
    await expect(kernel.sync()).rejects.toMatchObject({ code: "DEVICE_LOST" });
    x.dispose();
    expect(kernel.memory().tensors).toBe(2);
    await expect(createWebGpuKernel({ device })).rejects.toMatchObject({ code: "DEVICE_LOST" });
  });

  test("a shader that the device refuses is named, with its op, and other tensors stay usable", async () => {
    await using kernel = await createWebGpuKernel();
    const { runtime } = kernel;
    const broken = defineShader({
      name: "broken shader",
      read: { x: "f32" },
      write: { y: "f32" },
      params: {},
      code: "fn run(group: u32, lane: u32) { y[lane] = nonsense(x[lane]); }",
    });
    const x = kernel.upload(ones, [64], "f32") as WebGpuTensor;
    const y = runtime.result("brokenOp", [64]);
    runtime.run("brokenOp", broken, { x, y }, {}, 1);
    const after = kernel.scale(y, 2);
    await expect(kernel.read(after)).rejects.toThrow(/brokenOp: shader broken shader: .*nonsense/s);
    expect(() => kernel.scale(y, 2)).toThrow(/nonsense/);
    expect(() => {
      runtime.run("brokenOp", broken, { x, y: runtime.result("brokenOp", [64]) }, {}, 1);
    }).toThrow(/nonsense/);
    expect((await kernel.read(x))[0]).toEqual(ones);
    await kernel.sync();
  });

  test("an error that no read has reported rejects sync, once", async () => {
    await using kernel = await createWebGpuKernel();
    const { runtime } = kernel;
    const broken = defineShader({
      name: "broken",
      read: {},
      write: { y: "f32" },
      params: {},
      code: "fn run(group: u32, lane: u32) { nonsense(); }",
    });
    runtime.run("brokenOp", broken, { y: runtime.result("brokenOp", [1]) }, {}, 1);
    await expect(kernel.sync()).rejects.toMatchObject({ code: "DRIVER" });
    await kernel.sync();
  });

  test("a failed allocation is reported by sync, read and ops, and the kernel stays usable", async ({
    skip,
  }) => {
    await using kernel = await createWebGpuKernel();
    const x = kernel.upload(ones, [64], "f32");
    const vast = kernel.zeros([kernel.capabilities.maxTensorBytes / 4 - 64], "f32");
    const failure: unknown = await kernel.sync().catch((error: unknown) => error);
    skip(failure === undefined, "the device has memory for the largest tensor that it allows");
    expect(failure).toMatchObject({ code: "OUT_OF_MEMORY" });
    const outOfMemory: unknown = expect.objectContaining({ code: "OUT_OF_MEMORY" });
    expect(() => kernel.scale(vast, 2)).toThrow(outOfMemory);
    await expect(kernel.read(vast)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    vast.dispose();
    expect((await kernel.read(kernel.scale(x, 2)))[0]?.[63]).toBe(2);
    await kernel.sync();
  });
} else skipAll("errors of a device");
