import { KernelError } from "@mamba/kernel";
import { afterEach, expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

const ones = new Float32Array(64).fill(1);
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

if (available) {
  const control = useStandIn("");
  afterEach(() => {
    control.set("failLaunch", "0");
    control.set("memory", String(2 ** 33));
    // Every kernel was disposed, so no memory may be left.
    expect(control.get("liveAllocations")).toBe(0);
  });

  test("out of memory fails one call, and the kernel still works", async () => {
    await using kernel = await openCudaKernel();
    const x = kernel.upload(ones, [64], "f32");
    control.set("memory", String(2 ** 26));
    const before = kernel.memory();
    expect(() => kernel.zeros([2 ** 25], "f32")).toThrow(code("OUT_OF_MEMORY"));
    expect(() => kernel.zeros([2 ** 25], "f32")).toThrow(/zeros: .* 134217728 bytes/);
    expect(kernel.memory()).toEqual(before);
    expect((await kernel.read(kernel.add(x, x)))[0]).toEqual(new Float32Array(64).fill(2));
    // An op that fails after its first allocation frees it.
    const wide = kernel.zeros([2 ** 23], "f32");
    const held = kernel.memory();
    expect(() => kernel.add(wide, wide)).toThrow(code("OUT_OF_MEMORY"));
    expect(kernel.memory()).toEqual(held);
    await kernel.sync();
  });

  test("free memory that the pool keeps is released when another size needs it", async () => {
    await using kernel = await openCudaKernel();
    control.set("memory", String(2 ** 26));
    kernel.zeros([10 * 2 ** 20], "f32").dispose();
    using other = kernel.zeros([12 * 2 ** 20], "f32");
    expect((await kernel.read(kernel.columns(kernel.reshape(other, [1, 12 * 2 ** 20]), 0, 1)))[0]).toEqual(
      Float32Array.of(0),
    );
  });

  test("an error of the device loses it: pending reads reject and name the ops, later calls throw", async () => {
    await using kernel = await openCudaKernel();
    const x = kernel.upload(ones, [64], "f32");
    await kernel.sync();
    control.set("failLaunch", "2");
    const [first, second] = [kernel.read(kernel.mul(x, x)), kernel.read(kernel.add(x, x))];
    const outcomes = await Promise.allSettled([first, second, kernel.sync()]);
    expect(outcomes.map(({ status }) => status)).toContain("rejected");
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "DEVICE_LOST" });
    }
    expect(outcomes[1]).toMatchObject({
      status: "rejected",
      reason: {
        message: expect.stringMatching(/^read, after .*add.*: .*CUDA_ERROR_LAUNCH_FAILED/) as string,
      },
    });
    const failure = await kernel.lost;
    expect(KernelError.is(failure, "DEVICE_LOST")).toBe(true);
    expect(failure.message).toMatch(/CUDA_ERROR_LAUNCH_FAILED/);
    expect(() => kernel.add(x, x)).toThrow(code("DEVICE_LOST"));
    expect(() => kernel.upload(ones, [64], "f32")).toThrow(code("DEVICE_LOST"));
    await expect(kernel.read(x)).rejects.toMatchObject({ code: "DEVICE_LOST" });
    await expect(kernel.sync()).rejects.toMatchObject({ code: "DEVICE_LOST" });
    x.dispose();
  });

  test("once every kernel of a lost device is disposed, a new one works", async () => {
    const kernel = await openCudaKernel();
    control.set("failLaunch", "1");
    await expect(kernel.read(kernel.zeros([4], "f32"))).rejects.toMatchObject({ code: "DEVICE_LOST" });
    await kernel.dispose();
    await using next = await openCudaKernel();
    expect((await next.read(next.zeros([4], "f32")))[0]).toEqual(new Float32Array(4));
  });

  test("a disposed kernel refuses calls, delivers what was asked before, and takes tensors back", async () => {
    const kernel = await openCudaKernel();
    const x = kernel.upload(ones, [64], "f32");
    const pending = kernel.read(kernel.add(x, x));
    const disposing = kernel.dispose();
    expect(() => kernel.add(x, x)).toThrow(code("DISPOSED"));
    await expect(kernel.read(x)).rejects.toMatchObject({ code: "DISPOSED" });
    expect((await pending)[0]?.[63]).toBe(2);
    await disposing;
    await kernel.dispose();
    x.dispose();
    await expect(Promise.race([kernel.lost, Promise.resolve("pending")])).resolves.toBe("pending");
  });

  test("tensors of another kernel are refused, and nothing is left of the op", async () => {
    await using kernel = await openCudaKernel();
    await using other = await openCudaKernel();
    const [x, y] = [kernel.upload(ones, [64], "f32"), other.upload(ones, [64], "f32")];
    const before = kernel.memory();
    expect(() => kernel.add(x, y)).toThrow(code("FOREIGN_TENSOR"));
    await expect(kernel.read(y)).rejects.toMatchObject({ code: "FOREIGN_TENSOR" });
    expect(kernel.memory()).toEqual(before);
  });
} else skipAll("faults of a device");
