import { runConformance } from "@mamba/conformance";
import { fromFloat32, type HostArray } from "@mamba/kernel";
import { quantize } from "@mamba/kernel/quantize";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { totalmem } from "node:os";
import type { Worker as NodeWorker } from "node:worker_threads";
import { expect, test } from "vitest";
import { openCpuKernel } from "../src/create.ts";

/** Every matrix lies in a memory of its own. */
const apart = { mainBytes: 0, mainFloatBytes: 0, smallBytes: 0, smallFloatBytes: 0, memoryBytes: 1 };
const shareAll = { shareAbove: 0, wakeAbove: 0 };

// The ops that take matrices in further memories, with every operand that is a matrix in a memory of its own.
// Every fourth case: the cases differ in sizes, and the files beside this one run all of them.
const covered =
  /^(embedding|linear|linearBackwardInput|expertLinear|expertLinearBackwardInput) |^memory: (?!an op that writes to rows)/;
let cases = 0;
await runConformance({
  test: (name, body) => {
    if (covered.test(name) && (!/ rows | E\d/.test(name) || cases++ % 4 === 0)) test(name, body);
  },
  open: () => openCpuKernel(1, apart),
  openVariants: [() => openCpuKernel(3, { ...apart, ...shareAll })],
});

function sines(length: number, factor: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(factor * i));
}

test("a worker joins jobs in a new memory only after it received the memory, and nobody waits for it", async () => {
  const threads = createRequire(import.meta.url)("node:worker_threads") as { Worker: typeof NodeWorker };
  const { Worker } = threads;
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  threads.Worker = class extends Worker {
    override postMessage(message: unknown): void {
      void held.then(() => super.postMessage(message));
    }
  };
  syncBuiltinESMExports();
  try {
    await using alone = await openCpuKernel(1);
    await using kernel = await openCpuKernel(3, { ...apart, ...shareAll });
    const [x, weight] = [sines(8 * 96, 1), fromFloat32(sines(512 * 96, 0.7), "f16")];
    const run = async (on: typeof kernel): Promise<HostArray[]> => {
      using a = on.upload(x, [1, 8, 96], "f32");
      using b = on.upload(weight, [512, 96], "f16");
      using first = on.linear(a, b);
      using second = on.linear(a, b);
      return await on.read(first, second);
    };
    const expected = await run(alone);
    // A thread that takes part converts rows of the weight into its scratch.
    const tookPart = (thread: number): boolean => {
      const [, home] = kernel.runtime.memories.instances;
      const scratch = home!.reserveScratch(0, 3, "test") + thread * home!.scratchStride;
      return home!.heap.copy("f32", scratch, 96).some((value) => value !== 0);
    };
    // The workers have left the loop and wait for their message: the caller computes alone.
    for (let i = 0; i < 20; i++) expect(await run(kernel)).toEqual(expected);
    expect([0, 1, 2].map(tookPart)).toEqual([true, false, false]);
    release?.();
    for (let i = 0; i < 2000 && !(tookPart(1) && tookPart(2)); i++) {
      expect(await run(kernel)).toEqual(expected);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect([0, 1, 2].map(tookPart)).toEqual([true, true, true]);
  } finally {
    threads.Worker = Worker;
    syncBuiltinESMExports();
  }
});

test("memories are added while jobs run, freed matrices are replaced, and bytes are counted", async () => {
  await using kernel = await openCpuKernel(3, { ...apart, ...shareAll, memoryBytes: 2 ** 16 });
  await using alone = await openCpuKernel(1);
  const x = sines(4 * 64, 0.3);
  using input = kernel.upload(x, [1, 4, 64], "f32");
  using same = alone.upload(x, [1, 4, 64], "f32");
  const weights = [];
  for (let i = 0; i < 12; i++) {
    const data = sines(128 * 64, 0.1 + i);
    using expected = alone.linear(same, alone.upload(data, [128, 64], "f32"));
    weights.push(kernel.upload(data, [128, 64], "f32")); // two fit into each memory
    using y = kernel.linear(input, weights[i]!);
    expect(await kernel.read(y)).toEqual(await alone.read(expected));
  }
  const { memories } = kernel.runtime;
  expect(memories.further).toBe(6);
  expect(kernel.memory()).toEqual({ tensors: 13, bytes: 12 * 128 * 64 * 4 + 4 * 64 * 4 });
  expect(kernel.poolBytes).toBeGreaterThan(kernel.memory().bytes);
  for (const weight of weights) weight.dispose();
  const committed = kernel.poolBytes;
  for (const weight of weights) {
    expect(weight.disposed).toBe(true);
    kernel.zeros([128, 64], "f32");
  }
  expect([memories.further, kernel.poolBytes]).toEqual([6, committed]);
});

test("quantised matrices give the same bits in a memory of their own as in the main one", async () => {
  await using alone = await openCpuKernel(1);
  await using kernel = await openCpuKernel(2, { ...apart, ...shareAll });
  const [rows, columns] = [130, 96];
  const [x, dy, ids] = [sines(5 * columns, 0.9), sines(5 * rows, 1.3), Int32Array.of(129, 0, 7)];
  for (const dtype of ["q8_0", "q4_0"] as const) {
    const blocks = quantize(sines(rows * columns, 0.37), dtype, columns);
    const run = async (on: typeof kernel): Promise<HostArray[]> => {
      using weight = on.upload(blocks, [rows, columns], dtype);
      using written = on.zeros([rows, columns], dtype);
      on.write(written, 3 * columns, blocks.subarray(0, blocks.length / 2));
      using many = on.upload(x, [5, columns], "f32");
      using one = on.upload(x.subarray(0, columns), [1, columns], "f32");
      using gradient = on.upload(dy, [5, rows], "f32");
      using tokens = on.upload(ids, [3], "i32");
      using y1 = on.linear(one, weight);
      using y5 = on.linear(many, weight);
      using table = on.embedding(tokens, weight);
      using dx = on.linearBackwardInput(gradient, weight);
      return await on.read(y1, y5, table, dx, weight, written);
    };
    const found = await run(kernel);
    expect(found).toEqual(await run(alone));
    expect(found[4]).toEqual(blocks);
  }
});

test("quantised experts give the same bits in a memory of their own, and come back unchanged", async () => {
  await using alone = await openCpuKernel(1);
  await using kernel = await openCpuKernel(2, { ...apart, ...shareAll });
  // The rows of an expert begin inside of a stored group of four.
  const [E, O, I] = [5, 7, 64];
  const [x, dy, ids] = [sines(3 * I, 0.9), sines(6 * O, 1.3), Int32Array.of(4, 0, 1, 4, 0, 4)];
  for (const dtype of ["q8_0", "q4_0"] as const) {
    const blocks = quantize(sines(E * O * I, 0.37), dtype, I);
    const run = async (on: typeof kernel): Promise<HostArray[]> => {
      using weight = on.upload(blocks, [E, O, I], dtype);
      using written = on.zeros([E, O, I], dtype);
      on.write(written, 3 * I, blocks.subarray(0, (blocks.length / (E * O)) * 9));
      using experts = on.upload(ids, [3, 2], "i32");
      using input = on.upload(x, [3, I], "f32");
      using gradient = on.upload(dy, [3, 2, O], "f32");
      using y = on.expertLinear({ x: input, weight, experts });
      using dx = on.expertLinearBackwardInput(gradient, weight, experts);
      return await on.read(y, dx, weight, written);
    };
    const found = await run(kernel);
    expect(found).toEqual(await run(alone));
    expect(found[2]).toEqual(blocks);
  }
  expect(kernel.runtime.memories.further).toBeGreaterThan(0);
});

test("an op that takes no matrix beyond the main memory refuses it, frees its results and goes on", async () => {
  await using kernel = await openCpuKernel(1, apart);
  using a = kernel.upload(sines(6, 1), [2, 3], "f32");
  const before = kernel.memory();
  const add = () => kernel.add(a, a);
  expect(add).toThrow(/^a matrix \[2, 3\] lies beyond the first 4 GiB/);
  expect(add).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  expect(kernel.memory()).toEqual(before);
  using line = kernel.upload(sines(6, 1), [6], "f32");
  using twice = kernel.add(line, line);
  expect((await kernel.read(twice))[0]).toEqual(sines(6, 1).map((value) => 2 * value));
});

test("without room for the operands of a job the error says so, and nothing is lost", async () => {
  await using kernel = await openCpuKernel(1, apart);
  using weight = kernel.zeros([4, 2], "f32");
  using x = kernel.zeros([1, 1000, 2], "f32");
  const heap = kernel.runtime.memories.instances.at(-1)!.heap;
  const filler = heap.allocate(4 * 2 ** 30 - 2 ** 20 - heap.committedBytes, "test");
  const rest = [];
  for (let bytes = 2 ** 20; bytes >= 4096;) {
    const chunk = heap.tryAllocate(bytes);
    if (chunk) rest.push(chunk);
    else bytes /= 2;
  }
  const before = kernel.memory();
  expect(() => kernel.linear(x, weight)).toThrow(/^linear: .* bytes asked/);
  expect(kernel.memory()).toEqual(before);
  for (const chunk of [filler, ...rest]) heap.free(chunk);
  using y = kernel.linear(x, weight);
  expect(y.shape).toEqual([1, 1000, 4]);
});

test("the machine's memory bounds the bytes of all tensors", async () => {
  await using kernel = await openCpuKernel(1);
  const { maxBytes } = kernel.capabilities;
  expect(maxBytes).toBeGreaterThan(2 ** 26);
  expect(maxBytes).toBeLessThan(totalmem());
});
