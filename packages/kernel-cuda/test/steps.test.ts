import { generate, MambaLM } from "@mamba/core";
import type { Tensor } from "@mamba/kernel";
import { Scope } from "@mamba/kernel";
import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import type { CudaKernel } from "../src/index.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

const [D, N, W, V, layers] = [32, 8, 4, 64, 3];

/** A small decoding step: layers with states, sampling on the device, one id read back. */
function model(kernel: CudaKernel) {
  const random = (shape: number[]) => {
    const count = shape.reduce((a, b) => a * b);
    const data = Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) / 4);
    return kernel.upload(data, shape, "f32");
  };
  const [table, norm, conv, bias, skip] = [
    random([V, D]),
    random([D]),
    random([D, W]),
    random([D]),
    random([D]),
  ];
  const [B, C] = [random([1, N]), random([1, N])];
  const A = kernel.negExp(random([D, N]));
  const states = Array.from({ length: layers }, () => ({
    inputs: kernel.zeros([1, D, W - 1], "f32"),
    state: kernel.zeros([1, D, N], "f32"),
  }));
  return async (id: number, uniform: number): Promise<number> => {
    using scope = new Scope();
    const use = (tensor: Tensor) => scope.use(tensor);
    let x = use(kernel.embedding(use(kernel.upload(Int32Array.of(id), [1], "i32")), table));
    for (const { inputs, state } of states) {
      const u = use(kernel.rmsNorm(x, norm, 1e-5));
      const z = use(kernel.causalConv1dStep(inputs, { x: u, weight: conv, bias, activation: "silu" }));
      const args = { u: z, delta: u, A, B, C, D: skip, z, deltaBias: bias, deltaSoftplus: true };
      x = use(kernel.add(x, use(kernel.selectiveStateUpdate(state, args))));
    }
    const rows = [{ temperature: 1, topK: 20, topP: 0.9, uniform }];
    const next = use(kernel.sample({ logits: x, rows }).ids);
    const [[token] = []] = await kernel.read(next);
    return token as number;
  };
}

async function tokens(
  step: (id: number, uniform: number) => Promise<number>,
  count: number,
): Promise<number[]> {
  const ids = [1];
  for (let i = 0; i < count; i++) ids.push(await step(ids[i] as number, ((i * 37) % 100) / 100));
  return ids;
}

if (available) {
  const control = useStandIn("");

  test("a decoding step is one graph, and allocates nothing", async () => {
    await using kernel = await openCudaKernel();
    const step = model(kernel);
    await tokens(step, 3);
    const before = { ...kernel.counts, ...kernel.memory() };
    const [launches, allocations] = [control.get("launches"), control.get("allocations")];
    await tokens(step, 5);
    const after = { ...kernel.counts, ...kernel.memory() };
    expect(after.graphs - before.graphs).toBe(5);
    expect(after.submissions - before.submissions).toBe(5);
    expect(after.kernels).toBe(before.kernels);
    expect(after.built).toBe(before.built);
    expect(after.blocks).toBe(before.blocks);
    expect(after.tensors).toBe(before.tensors);
    expect(after.bytes).toBe(before.bytes);
    // Only the id and the random number change, which are arguments of launches; all tensors have the same addresses.
    expect(after.updates - before.updates).toBeLessThanOrEqual(5 * 2);
    expect(after.updates).toBeGreaterThan(before.updates);
    // The id, the embedding, sampling; per layer the norm, the convolution, the update and the sum.
    expect((control.get("launches") - launches) / 5).toBe(3 + layers * 4);
    expect((after.launches - before.launches) / 5).toBe(3 + layers * 4);
    expect(control.get("allocations")).toBe(allocations);
  });

  test("a token of a model is one graph, and allocates nothing", async () => {
    await using kernel = await openCudaKernel();
    using lm = MambaLM.init(kernel, { dModel: 32, nLayers: 2, vocabSize: 64 }, 1);
    const counts = [];
    for await (const _ of generate(lm, [1, 2, 3], { maxTokens: 10, seed: 3, topK: 10 })) {
      counts.push({ ...kernel.counts, ...kernel.memory(), allocations: control.get("allocations") });
    }
    // The prompt has another shape, and the second step creates the graph.
    for (const [i, after] of counts.entries()) {
      const before = counts[i - 1];
      if (i < 3 || before === undefined) continue;
      const { kernels, built, blocks, tensors, bytes, allocations } = before;
      expect(after).toMatchObject({ kernels, built, blocks, tensors, bytes, allocations });
      expect([after.graphs - before.graphs, after.submissions - before.submissions]).toEqual([1, 1]);
      expect(after.updates - before.updates).toBeLessThanOrEqual(2);
    }
    expect(counts).toHaveLength(10);
  });

  test("replayed graphs give the same results as single launches", async () => {
    await using graphs = await openCudaKernel();
    await using single = await openCudaKernel({}, { records: 1 });
    const expected = await tokens(model(single), 12);
    expect(await tokens(model(graphs), 12)).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(4);
    expect(single.counts.graphs).toBe(0);
    expect(graphs.counts.graphs).toBeGreaterThan(9);
  });

  test("a long step is submitted in several batches, each a graph", async () => {
    await using kernel = await openCudaKernel({}, { records: 8 });
    await using whole = await openCudaKernel();
    expect(await tokens(model(kernel), 6)).toEqual(await tokens(model(whole), 6));
    expect(kernel.counts.graphs).toBeGreaterThan(2 * whole.counts.graphs - 2);
  });

  test("arguments that change between replays are updated: numbers, tensors, host data", async () => {
    await using kernel = await openCudaKernel();
    const pair = [1, 2].map((value) => kernel.upload(new Float32Array(8).fill(value), [8], "f32"));
    const target = kernel.zeros([8], "f32");
    await kernel.sync();
    for (let i = 0; i < 8; i++) {
      const source = pair[i % 2] as Tensor;
      using a = kernel.scale(source, i);
      using b = kernel.mul(a, source);
      kernel.write(target, 0, Float32Array.of(100 * i));
      using c = kernel.add(b, target);
      const [data] = await kernel.read(c);
      const value = (i % 2) + 1;
      expect([...data!]).toEqual([
        i * value * value + 100 * i,
        ...new Array<number>(7).fill(i * value * value),
      ]);
    }
    expect(kernel.counts.graphs).toBe(7);
    expect(kernel.counts.built).toBe(1);
  });

  test("more shapes of steps than graphs that are kept", async () => {
    await using kernel = await openCudaKernel();
    for (const round of [1, 2]) {
      for (let width = 1; width <= 140; width++) {
        // The grid depends on the width; the second run creates a graph.
        for (const value of [round, -round]) {
          using x = kernel.upload(new Float32Array(width * 1024).fill(value), [width, 1024], "f32");
          using y = kernel.scale(x, 2);
          using z = kernel.add(x, y);
          using w = kernel.mul(z, x);
          using v = kernel.columns(w, 1023, 1);
          const [data] = await kernel.read(v);
          expect(data?.at(-1)).toBe(3 * round * round);
        }
      }
    }
    expect(kernel.counts.built).toBe(2 * 140);
  });
} else skipAll("decoding steps");
