/// <reference lib="dom" />
import { expect, test } from "vitest";
import { openCpuKernel } from "../../src/create.ts";
import { createCpuKernel, provider } from "../../src/index.ts";

// The main thread of a page may not sleep on shared memory: it polls until its workers finish.

if (crossOriginIsolated) {
  test("two threads give the page the results of one", async () => {
    const data = Float32Array.from({ length: 300 * 200 }, (_, i) => Math.sin(i));
    const results = [];
    for (const threads of [1, 2]) {
      await using kernel = await openCpuKernel(threads, { shareAbove: 0, wakeAbove: 0 });
      using x = kernel.upload(data, [300, 200], "f32");
      for (let i = 0; i < 50; i++) kernel.linear(x, x).dispose();
      using y = kernel.linear(x, x);
      results.push(...(await kernel.read(y)));
    }
    expect(results[1]).toEqual(results[0]);
  });

  test("weights lie in further memories, which the page and its workers receive while it runs", async () => {
    const data = Float32Array.from({ length: 300 * 200 }, (_, i) => Math.sin(i));
    const apart = { mainFloatBytes: 0, smallFloatBytes: 0, memoryBytes: 1, shareAbove: 0, wakeAbove: 0 };
    await using alone = await openCpuKernel(1);
    await using kernel = await openCpuKernel(2, apart);
    const results = [];
    for (const on of [alone, kernel]) {
      using x = on.upload(data, [300, 200], "f32");
      for (let i = 0; i < 20; i++) {
        on.linear(x, x).dispose();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      using y = on.linear(x, x);
      results.push(...(await on.read(y)));
    }
    expect(kernel.runtime.memories.further).toBe(1);
    expect(results[1]).toEqual(results[0]);
  });
} else {
  test("without isolation more threads are refused, with the remedy", async () => {
    const opening = createCpuKernel({ threads: 2 });
    await expect(opening).rejects.toMatchObject({ code: "LIMITS" });
    await expect(opening).rejects.toThrow(/COOP same-origin and COEP require-corp/);
  });
}

test("the provider opens the device that its probe reports", async () => {
  const found = await provider.probe();
  await using kernel = await provider.create();
  expect(found).toEqual({ ok: true, device: kernel.capabilities.device });
});
