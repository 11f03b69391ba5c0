import { expect, test } from "vitest";
import { openCpuKernel } from "./create.ts";
import { createMemory, Heap, maxBytes } from "./heap.ts";

const gigabyte = 2 ** 30;

test("chunks begin at cache lines, and the heap grows by the missing bytes", () => {
  const heap = new Heap(createMemory(), 1000);
  const small = heap.allocate(5, "test");
  const large = heap.allocate(10_000_000, "test");
  expect(small.address).toBe(1024);
  expect(heap.liveBytes).toBe(64 + 10_000_000);
  expect(heap.committedBytes).toBeLessThan(11_500_000);
  heap.free(small);
  heap.free(large);
  expect(heap.liveBytes).toBe(0);
});

test("beyond 4 GiB the error gives the requested bytes, the bytes in use and the limit, and no memory is lost", () => {
  const heap = new Heap(createMemory(), 1024);
  // Never touched, so the operating system gives no memory for it.
  const chunks = [1, 2, 3].map(() => heap.allocate(gigabyte, "test"));
  const beyond = () => heap.allocate(1.5 * gigabyte, "linear");
  expect(beyond).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
  expect(beyond).toThrow(/^linear: 1610612736 bytes asked, 3221225472 live, the limit is 4 GiB/);
  const rest = heap.allocate(maxBytes - 3 * gigabyte - 1024, "test");
  expect(heap.liveBytes).toBe(maxBytes - 1024);
  expect(() => heap.allocate(1, "test")).toThrow(expect.objectContaining({ code: "OUT_OF_MEMORY" }));
  for (const chunk of [...chunks, rest]) heap.free(chunk);
  heap.free(heap.allocate(3 * gigabyte, "test"));
});

test("a kernel out of memory keeps its tensors and goes on", async () => {
  await using kernel = await openCpuKernel(1);
  const { heap } = kernel.runtime;
  using x = kernel.upload(Float32Array.of(1, 2, 3, 4), [2, 2], "f32");
  using sequence = kernel.zeros([1, 2000, 16], "f32");
  using weight = kernel.zeros([16, 4], "f32");
  const filler = heap.allocate(maxBytes - heap.committedBytes, "test");
  // The free memory lies before the filler: allocate it in ever smaller chunks, down to 64 KiB.
  const chunks = [];
  for (let bytes = 2 ** 20; bytes >= 2 ** 16;) {
    try {
      chunks.push(heap.allocate(bytes, "test"));
    } catch {
      bytes /= 2;
    }
  }
  const before = kernel.memory();
  expect(() => kernel.zeros([1000, 1000], "f32")).toThrow(/^zeros: 4000000 bytes asked/);
  expect(() => kernel.causalConv1d({ x: sequence, weight }, { finalState: true })).toThrow(
    expect.objectContaining({ code: "OUT_OF_MEMORY" }),
  );
  expect(kernel.memory()).toEqual(before);
  using y = kernel.add(x, x);
  expect((await kernel.read(y))[0]).toEqual(Float32Array.of(2, 4, 6, 8));
  for (const chunk of [filler, ...chunks]) heap.free(chunk);
  using large = kernel.causalConv1d({ x: sequence, weight }).y;
  expect(large.shape).toEqual([1, 2000, 16]);
});

test("a decode step takes no new memory", async () => {
  await using kernel = await openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 });
  using weight = kernel.zeros([512, 128], "f32");
  using state = kernel.zeros([1, 256, 16], "f32");
  using A = kernel.zeros([256, 16], "f32");
  using x = kernel.zeros([1, 128], "f32");
  const step = () => {
    using xz = kernel.linear(x, weight);
    using u = kernel.columns(xz, 0, 256);
    using z = kernel.columns(xz, 256, 256);
    using B = kernel.columns(xz, 16, 16);
    using y = kernel.selectiveStateUpdate(state, { u, delta: u, A, B, C: B, z });
    using logits = kernel.linear(x, weight);
    const rows = [{ temperature: 1, topK: 5, topP: 0.9, uniform: 0.5 }];
    using chosen = kernel.sample({ logits, rows }).ids;
    return [y, chosen].length;
  };
  step();
  const { committedBytes, liveBytes } = kernel.runtime.heap;
  const held = kernel.memory();
  for (let i = 0; i < 1000; i++) step();
  expect(kernel.memory()).toEqual(held);
  expect(kernel.runtime.heap.committedBytes).toBe(committedBytes);
  expect(kernel.runtime.heap.liveBytes).toBe(liveBytes);
});

test("zeros are zeros in memory that was used before, partly used, and never used", async () => {
  await using kernel = await openCpuKernel(1);
  const ones = (count: number) => kernel.upload(new Float32Array(count).fill(1), [count], "f32");
  const [first, second] = [ones(5000), ones(1000)];
  first.dispose();
  using again = kernel.zeros([3001], "f32"); // in the first chunk
  second.dispose();
  using across = kernel.zeros([100_000], "f32"); // from the end of the first chunk into new memory
  using fresh = kernel.zeros([7], "f32");
  for (const values of await kernel.read(again, across, fresh)) {
    expect((values as Float32Array).every((value) => value === 0)).toBe(true);
  }
});
