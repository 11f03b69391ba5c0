import { expect, test } from "vitest";
import { createWebGpuKernel } from "../src/index.ts";
import type { WebGpuTensor } from "../src/memory/tensor.ts";
import { plainMatmul, probes, registerTiles } from "../src/probes.ts";
import { available, skipAll } from "./available.ts";

if (available) {
  test("the plain products compute products", async () => {
    await using kernel = await createWebGpuKernel();
    const [rows, depth, columns] = [128, 64, 64];
    const at = (i: number) => ((i * 7919) % 13) - 6; // whole numbers: every order of the sum gives the same
    const matrix = (height: number, width: number) => {
      const data = Float32Array.from({ length: height * width }, (_, i) => at(i));
      return { data, tensor: kernel.upload(data, [height, width], "f32") as WebGpuTensor };
    };
    const [a, b] = [matrix(rows, depth), matrix(depth, columns)];
    const expected = Float32Array.from({ length: rows * columns }, (_, i) => {
      let sum = 0;
      const [row, column] = [Math.floor(i / columns), i % columns];
      for (let k = 0; k < depth; k++)
        sum += (a.data[row * depth + k] ?? 0) * (b.data[k * columns + column] ?? 0);
      return sum;
    });
    for (const tile of ["shared", ...registerTiles] as const) {
      const y = plainMatmul(kernel.runtime, tile, a.tensor, b.tensor);
      expect((await kernel.read(y))[0], String(tile)).toEqual(expected);
    }
  });

  test("a profile reports every dispatch with its bytes and its time", async () => {
    await using kernel = await createWebGpuKernel();
    const x = kernel.zeros([1, 512], "f32");
    const weight = kernel.zeros([2048, 512], "f32");
    const table = kernel.zeros([1000, 512], "f16");
    const ids = kernel.zeros([2], "i32");
    const before = kernel.counts;
    const times = await kernel.profile(() => {
      kernel.linear(x, weight).dispose();
      kernel.linear(x, weight).dispose();
      kernel.embedding(ids, table).dispose();
    });
    expect(times.map(({ op }) => op)).toEqual(["linear", "linear", "embedding"]);
    // x, the weight and y; of a table only the rows that are read
    const bytes = [4 * (512 + 2048 * 512 + 2048), 2 * 4 + 2 * 512 * 2 + 2 * 512 * 4];
    expect(times.map((time) => time.bytes)).toEqual([bytes[0], bytes[0], bytes[1]]);
    expect(kernel.counts.dispatches - before.dispatches).toBe(3);
    expect(kernel.counts.bytes - before.bytes).toBe(2 * (bytes[0] ?? 0) + (bytes[1] ?? 0));
    const timed = kernel.runtime.device.features.has("timestamp-query");
    for (const { seconds } of times) {
      if (timed) expect(seconds).toBeGreaterThanOrEqual(0);
      else expect(seconds).toBeUndefined();
    }
    if (timed) expect(times.reduce((sum, { seconds = 0 }) => sum + seconds, 0)).toBeGreaterThan(0);
    expect(await kernel.profile(() => undefined)).toEqual([]);
    await expect(kernel.profile(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    kernel.linear(x, weight).dispose();
    await kernel.sync();
  });

  test("probes dispose their results", async () => {
    await using kernel = await createWebGpuKernel();
    const plain = probes(kernel, { rows: 64, depth: 64, columns: 64, copied: 4096 });
    const held = kernel.memory();
    for (const { run } of plain.all) run();
    await kernel.sync();
    expect(kernel.memory()).toEqual(held);
    plain.dispose();
    expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
  });
} else skipAll("profiles");
