import { afterEach, expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

if (available) {
  const control = useStandIn("");
  afterEach(() => {
    expect(control.get("liveAllocations")).toBe(0);
    expect(control.get("pinnedBytes")).toBe(0);
  });

  test("uploads of every size arrive, also those larger than the staging memory", async () => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    // Up to 256 bytes are arguments of a launch; the staging memory has 32 MiB, in chunks of 8 MiB.
    for (const count of [1, 63, 64, 65, 2 ** 21, 2 ** 21 + 1, 10 * 2 ** 20]) {
      const data = Float32Array.from({ length: count }, (_, i) => i % 8191);
      using x = kernel.upload(data, [count], "f32");
      const [back] = await kernel.read(x);
      expect(back?.length).toBe(count);
      expect(Buffer.compare(new Uint8Array(back!.buffer), new Uint8Array(data.buffer))).toBe(0);
    }
  });

  test("quantised blocks in several chunks arrive", async () => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    // Chunks have 8 MiB; these blocks end a few bytes later.
    const [rows, columns] = [241_000, 32];
    const data = Uint8Array.from({ length: rows * 34 + 34 }, (_, i) => (i * 7) % 251);
    using x = kernel.zeros([rows + 1, columns], "q8_0");
    kernel.write(x, columns, data.subarray(34));
    kernel.write(x, 0, data.subarray(0, 34));
    const [back] = await kernel.read(x);
    expect(Buffer.compare(back as Uint8Array, data)).toBe(0);
    expect(kernel.memory().bytes).toBe(data.length);
  });

  test("uploads that fill the staging memory to its end continue at its start", async () => {
    await using kernel = await openCudaKernel();
    // Chunks of 8 MiB fill the staging memory from its start, so the fifth has no room behind the fourth.
    const data = Float32Array.from({ length: 5 * 2 ** 21 }, (_, i) => i % 8191);
    using x = kernel.upload(data, [data.length], "f32");
    using last = kernel.gatherRows(x, [0, 2 ** 21, 4 * 2 ** 21, data.length - 1]);
    expect((await kernel.read(last))[0]).toEqual(
      Float32Array.of(...[0, 2 ** 21, 4 * 2 ** 21, data.length - 1].map((i) => i % 8191)),
    );
  });

  test("host memory may change as soon as upload and write return", async () => {
    await using kernel = await openCudaKernel();
    const data = new Float32Array(5000);
    const target = kernel.zeros([5000], "f32");
    const copies = Array.from({ length: 20 }, (_, i) => {
      kernel.write(target, 0, data.fill(i));
      return kernel.add(target, target);
    });
    data.fill(NaN);
    const results = await kernel.read(...copies);
    expect(results.map((y) => y[4999])).toEqual(copies.map((_, i) => 2 * i));
  });

  test("16-bit writes with an odd end stay inside their tensor", async () => {
    await using kernel = await openCudaKernel({}, { exactPool: true });
    using x = kernel.zeros([7], "f16");
    kernel.write(x, 4, Uint16Array.of(5, 6, 7));
    using y = kernel.zeros([7], "f16");
    kernel.copyInto(y, x);
    expect((await kernel.read(y))[0]).toEqual(Uint16Array.of(0, 0, 0, 0, 5, 6, 7));
  });

  test("data may be in the middle of a buffer, or in shared memory", async () => {
    await using kernel = await openCudaKernel();
    for (const buffer of [new ArrayBuffer(4096), new SharedArrayBuffer(4096)]) {
      const all = new Float32Array(buffer);
      all.forEach((_, i) => (all[i] = i));
      for (const count of [3, 500]) {
        using x = kernel.upload(all.subarray(10, 10 + count), [count], "f32");
        expect((await kernel.read(x))[0]?.at(-1)).toBe(9 + count);
      }
    }
  });

  test("each result of a read has its own memory", async () => {
    await using kernel = await openCudaKernel();
    const [a, b] = await kernel.read(kernel.zeros([3], "f32"), kernel.zeros([5], "i32"));
    expect(a).toEqual(new Float32Array(3));
    expect(b).toEqual(new Int32Array(5));
    structuredClone(a, { transfer: [a!.buffer as ArrayBuffer] });
    expect(b?.length).toBe(5);
    expect(await kernel.read()).toEqual([]);
  });
} else skipAll("memory");
