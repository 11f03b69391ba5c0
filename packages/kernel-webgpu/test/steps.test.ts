import type { HostArray, Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import { createWebGpuKernel, type WebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";

// A small decoding step: all ops of a layer, sampling on the device, and one id read back.
const [D, E, N, R, W, V, layers] = [16, 32, 8, 4, 4, 64, 3];

function model(kernel: WebGpuKernel) {
  const random = (shape: number[], dtype: "f32" | "f16" = "f32") => {
    const count = shape.reduce((a, b) => a * b);
    const data: HostArray =
      dtype === "f32"
        ? Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) / 4)
        : Uint16Array.from({ length: count }, (_, i) => 0x2000 + ((i * 7919) % 4096));
    return kernel.upload(data, shape, dtype);
  };
  const table = random([V, D], "f16");
  const own = Array.from({ length: layers }, () => ({
    norm: random([D]),
    inProj: random([2 * E, D], "f16"),
    conv: random([E, W]),
    convBias: random([E]),
    xProj: random([R + 2 * N, E]),
    dtProj: random([E, R]),
    dtBias: random([E]),
    A: kernel.negExp(random([E, N])),
    D: random([E]),
    outProj: random([D, E]),
    state: kernel.zeros([1, E, N], "f32"),
    inputs: kernel.zeros([1, E, W - 1], "f32"),
  }));
  return async (id: number, uniform: number): Promise<number> => {
    const held: Disposable[] = [];
    const use = <T extends Disposable>(tensor: T): T => (held.push(tensor), tensor);
    const ids = use(kernel.upload(Int32Array.of(id), [1], "i32"));
    let x = use(kernel.embedding(ids, table));
    for (const layer of own) {
      const xz = use(kernel.linear(use(kernel.rmsNorm(x, layer.norm, 1e-5)), layer.inProj));
      const [u, z] = [use(kernel.columns(xz, 0, E)), use(kernel.columns(xz, E, E))];
      const c = use(
        kernel.causalConv1dStep(layer.inputs, {
          x: u,
          weight: layer.conv,
          bias: layer.convBias,
          activation: "silu",
        }),
      );
      const mixed = use(kernel.linear(c, layer.xProj));
      const delta = use(kernel.linear(use(kernel.columns(mixed, 0, R)), layer.dtProj));
      const y = use(
        kernel.selectiveStateUpdate(layer.state, {
          u: c,
          delta,
          A: layer.A,
          B: use(kernel.columns(mixed, R, N)),
          C: use(kernel.columns(mixed, R + N, N)),
          D: layer.D,
          z,
          deltaBias: layer.dtBias,
          deltaSoftplus: true,
        }),
      );
      x = use(kernel.add(x, use(kernel.linear(y, layer.outProj))));
    }
    const logits = use(kernel.linear(x, table));
    const rows = [{ temperature: 1, topK: 20, topP: 0.9, uniform }];
    const next = use(kernel.sample({ logits, rows }).ids);
    const [[token] = []] = await kernel.read(next);
    for (const tensor of held) tensor[Symbol.dispose]();
    return token as number;
  };
}

if (available) {
  test("a decoding step is one command buffer and creates neither buffers nor bind groups", async () => {
    await using kernel = await createWebGpuKernel();
    const step = model(kernel);
    for (let i = 0; i < 3; i++) await step(i, 0.3);
    const before = { ...kernel.counts, ...kernel.memory() };
    for (let i = 0; i < 5; i++) await step(i, 0.1 + i / 10);
    const after = { ...kernel.counts, ...kernel.memory() };
    expect(after.submissions - before.submissions).toBe(5);
    expect(after.buffers).toBe(before.buffers);
    expect(after.bindGroups).toBe(before.bindGroups);
    expect(after.tensors).toBe(before.tensors);
    expect(after.bytes).toBe(before.bytes);
    // embedding, the last linear and sample; per layer the norm, the conv, the update, the sum and four products
    expect((after.dispatches - before.dispatches) / 5).toBe(3 + layers * 8);
  });

  test("warming up compiles ahead, with progress", async () => {
    await using kernel = await createWebGpuKernel();
    const seen: number[] = [];
    let total = 0;
    await kernel.warmUp({
      parts: ["mamba", "mamba2", "attention", "experts"],
      weights: ["f32"],
      onProgress: (done, all) => (seen.push(done), (total = all)),
    });
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(total).toBeGreaterThan(20);
    const x = kernel.zeros([1, 16], "f32");
    const weight = kernel.zeros([16, 16], "f32");
    await kernel.read(kernel.rmsNorm(kernel.linear(x, weight), undefined, 1));
  });

  test("a packed parameter that an op changes in place is packed again", async () => {
    await using kernel = await createWebGpuKernel();
    const vector = (value: number) => kernel.upload(Float32Array.of(value), [1], "f32");
    const matrix = (value: number) => kernel.upload(Float32Array.of(value), [1, 1], "f32");
    const [A, D, deltaBias, zero, one] = [matrix(-1), vector(5), vector(0), matrix(0), matrix(1)];
    // y = exp((1 + deltaBias) A) h + D, with h = 1 before every step
    const step = async () => {
      const state = kernel.upload(Float32Array.of(1), [1, 1, 1], "f32");
      const args = { u: one, delta: one, A, B: zero, C: one, D, deltaBias };
      const [y] = await kernel.read(kernel.selectiveStateUpdate(state, args));
      return y?.[0];
    };
    expect(await step()).toBeCloseTo(Math.exp(-1) + 5, 5);
    kernel.write(D, 0, Float32Array.of(7));
    expect(await step()).toBeCloseTo(Math.exp(-1) + 7, 5);
    kernel.copyInto(A, zero);
    expect(await step()).toBeCloseTo(1 + 7, 5);
    kernel.accumulate(A, one, -2);
    expect(await step()).toBeCloseTo(Math.exp(-2) + 7, 5);
    const slot = { param: deltaBias, grad: vector(1), m: vector(0), v: vector(0) };
    const hyper = { step: 1, lr: 0.5, beta1: 0.9, beta2: 0.999, eps: 0, weightDecay: 0 };
    kernel.adamwStep([slot], hyper);
    expect(await step()).toBeCloseTo(Math.exp(-1) + 7, 5);
    // Through a view on the same memory.
    kernel.write(kernel.reshape(D, [1, 1]), 0, Float32Array.of(9));
    expect(await step()).toBeCloseTo(Math.exp(-1) + 9, 5);
  });

  test("a parameter that shares its memory with the state is packed again", async () => {
    await using kernel = await createWebGpuKernel();
    const matrix = (value: number) => kernel.upload(Float32Array.of(value), [1, 1], "f32");
    const [A, zero, one] = [matrix(-1), matrix(0), matrix(1)];
    const other = kernel.upload(Float32Array.of(1), [1, 1, 1], "f32");
    const update = async (state: Tensor) => {
      const args = { u: one, delta: one, A, B: zero, C: one };
      const [y] = await kernel.read(kernel.selectiveStateUpdate(state, args));
      return y?.[0];
    };
    const changed = -Math.exp(-1);
    expect(await update(kernel.reshape(A, [1, 1, 1]))).toBeCloseTo(changed, 5);
    expect(await update(other)).toBeCloseTo(Math.exp(changed), 5);
  });
} else skipAll("decoding steps");
