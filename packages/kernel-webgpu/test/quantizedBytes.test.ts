import { byteLength, quantizedTypes, type WeightDType } from "@mamba/kernel";
import { expect, test } from "vitest";
import { createWebGpuKernel } from "../src/index.ts";
import { available, skipAll } from "./available.ts";

// The matrices of a block of mamba-130m as llama.cpp stores them: [outputs, inputs]. Rows of dt have 48 numbers and are f16.
const matrices = [
  [3072, 768],
  [80, 1536],
  [768, 1536],
] as const;
const dt = [1536, 48] as const;

if (available) {
  test.each(quantizedTypes)(
    "a decoded token reads at most 1.15 times the bytes of the file: %s",
    async (dtype) => {
      await using kernel = await createWebGpuKernel();
      const types: [WeightDType, readonly [number, number]][] = [
        ...matrices.map((shape): [WeightDType, typeof shape] => [dtype, shape]),
        ["f16", dt],
      ];
      let [read, file] = [0, 0];
      for (const [type, shape] of types) {
        using x = kernel.zeros([1, shape[1]], "f32");
        using weight = kernel.zeros(shape, type);
        const before = kernel.counts.bytes;
        kernel.linear(x, weight).dispose();
        const bytes = kernel.counts.bytes - before;
        // The weight once, x and y.
        expect(bytes).toBe(kernel.storedBytes(type, shape) + 4 * (shape[0] + shape[1]));
        read += bytes;
        file += byteLength(type, shape);
      }
      expect(read / file).toBeLessThan(1.15);
    },
  );
} else skipAll("the bytes of quantised weights");
