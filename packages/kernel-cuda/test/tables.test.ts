import { expect, test } from "vitest";
import { openCudaKernel } from "../src/create.ts";
import type { CudaKernel } from "../src/kernel.ts";
import { chunksOf } from "../src/tensorTable.ts";
import type { CudaTensor } from "../src/tensor.ts";
import { available, skipAll, useStandIn } from "./standIn.ts";

// Work that is split over several launches or blocks: more tensors than one launch takes, tensors with more elements than a GPU
// kernel counts, many positions with the same id.

const numbers = (count: number, from: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(from + i));

if (available) {
  useStandIn("");
  const open = () => openCudaKernel({}, { exactPool: true });

  test("adamwStep of more parameters than one launch takes equals one call per parameter", async () => {
    await using kernel = await open();
    const hyper = { step: 3, lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };
    const slots = (): { param: CudaTensor; grad: CudaTensor; m: CudaTensor; v: CudaTensor }[] =>
      Array.from({ length: 250 }, (_, i) => {
        const size = i === 100 ? 5000 : (i % 7) + 1;
        const tensor = (from: number, data = numbers(size, from)) =>
          kernel.upload(data, [size], "f32") as CudaTensor;
        const square = numbers(size, 3 * i).map((value) => value * value);
        return { param: tensor(i), grad: tensor(2 * i), m: tensor(i / 2), v: tensor(0, square) };
      });
    const [together, alone] = [slots(), slots()];
    kernel.adamwStep(together, hyper);
    for (const slot of alone) kernel.adamwStep([slot], hyper);
    for (const name of ["param", "m", "v"] as const) {
      const after = await kernel.read(...together.map((slot) => slot[name]));
      expect(after).toEqual(await kernel.read(...alone.map((slot) => slot[name])));
      expect(after[249]).not.toEqual(numbers(250 % 7, name === "param" ? 249 : 124.5));
    }
  });

  test("sumOfSquares of more tensors than one launch takes", async () => {
    await using kernel = await open();
    const data = Array.from({ length: 400 }, (_, i) => numbers(i === 390 ? 40_000 : (i % 5) + 1, i));
    const sum = kernel.sumOfSquares(data.map((values) => kernel.upload(values, [values.length], "f32")));
    const expected = data.reduce((total, values) => values.reduce((all, x) => all + x * x, total), 0);
    expect((await kernel.read(sum))[0]?.[0]).toBeCloseTo(expected, -Math.log10(expected * 1e-6));
  });

  test("chunks of a tensor are its elements, whole rows where it is a view", async () => {
    await using kernel = await open();
    const dense = kernel.zeros([5, 7], "f32") as CudaTensor;
    const { address } = dense;
    expect(chunksOf(dense)).toEqual([{ start: 0, address, count: 35, width: 35, stride: 35 }]);
    expect(chunksOf(dense, 16)).toEqual([
      { start: 0, address, count: 16, width: 16, stride: 16 },
      { start: 16, address: address + 64, count: 16, width: 16, stride: 16 },
      { start: 32, address: address + 128, count: 3, width: 3, stride: 3 },
    ]);
    const view = kernel.columns(dense, 2, 3) as CudaTensor;
    expect(chunksOf(view, 7)).toEqual([
      { start: 0, address: address + 8, count: 6, width: 3, stride: 7 },
      { start: 6, address: address + 64, count: 6, width: 3, stride: 7 },
      { start: 12, address: address + 120, count: 3, width: 3, stride: 7 },
    ]);
  });

  test.each([
    [7, 3, 5000],
    [2, 1030, 1500],
  ])("embeddingBackward, vocabulary %d, %d features, %d positions", async (V, D, count) => {
    await using kernel: CudaKernel = await open();
    const ids = Int32Array.from({ length: count }, (_, i) => Math.floor(i / 900) % V);
    const dy = numbers(count * D, 1);
    const expected = new Float64Array(V * D);
    dy.forEach((value, i) => {
      const place = (ids[Math.floor(i / D)] as number) * D + (i % D);
      expected[place] = (expected[place] as number) + value;
    });
    const dWeight = kernel.embeddingBackward(
      kernel.upload(dy, [count, D], "f32"),
      kernel.upload(ids, [count], "i32"),
      V,
    );
    const [found] = await kernel.read(dWeight);
    const error = expected.map((value, i) => Math.abs(value - (found?.[i] as number)));
    expect(Math.max(...error)).toBeLessThan(1e-3);
  });
} else skipAll("work that is split over launches and blocks");
