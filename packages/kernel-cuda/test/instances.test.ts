import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

if (available) {
  const control = useStandIn("");

  test("many kernels work at once, each on its own stream and memory", async () => {
    const kernels = await Promise.all(Array.from({ length: 6 }, () => openCudaKernel()));
    const results = kernels.map(async (kernel, i) => {
      const x = kernel.upload(Float32Array.of(i, 1), [2], "f32");
      let y = x;
      for (let round = 0; round < 20; round++) {
        y = kernel.add(y, x);
        if (round % 5 === 0)
          expect((await kernel.read(y))[0]).toEqual(Float32Array.of((round + 2) * i, round + 2));
      }
      return (await kernel.read(y))[0]?.[0];
    });
    expect(await Promise.all(results)).toEqual([0, 21, 42, 63, 84, 105]);
    // Disposing one kernel does not affect the others.
    const [first, ...others] = kernels;
    await first?.dispose();
    for (const kernel of others) {
      expect((await kernel.read(kernel.zeros([1], "f32")))[0]).toEqual(Float32Array.of(0));
      await kernel.dispose();
    }
    expect(control.get("liveAllocations")).toBe(0);
    expect(control.get("pinnedBytes")).toBe(0);
  });

  test("reads resolve in the order of the calls, and none blocks the event loop", async () => {
    await using kernel = await openCudaKernel();
    const x = kernel.upload(Float32Array.of(1), [1], "f32");
    await kernel.sync();
    control.set("slowLaunch", "50000");
    try {
      const order: number[] = [];
      const began = performance.now();
      const reads = [1, 2, 3].map((n) => kernel.read(kernel.scale(x, n)).then(() => order.push(n)));
      expect(performance.now() - began).toBeLessThan(50);
      let turns = 0;
      const timer = setInterval(() => turns++, 5);
      await Promise.all(reads);
      clearInterval(timer);
      expect(performance.now() - began).toBeGreaterThan(150);
      expect(order).toEqual([1, 2, 3]);
      expect(turns).toBeGreaterThan(5);
    } finally {
      control.set("slowLaunch", "0");
    }
  });
} else skipAll("several kernels");
