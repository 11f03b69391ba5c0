import { lastExtent, quantizedTypes } from "@mamba/kernel";
import { dequantize, quantize } from "@mamba/kernel/quantize";
import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { openCpuKernel } from "../src/create.ts";

const [rows, columns, outFeatures] = [9, 768, 21];

/** The sum of the squared errors, divided by that of the squared results. */
function relativeError(y: ArrayLike<number>, x: Float32Array, weight: Float32Array): number {
  let [errors, squares] = [0, 0];
  for (let i = 0; i < rows * outFeatures; i++) {
    const [row, column] = [Math.floor(i / outFeatures), i % outFeatures];
    let exact = 0;
    for (let k = 0; k < columns; k++) exact += x[row * columns + k]! * weight[column * columns + k]!;
    errors += (exact - y[i]!) ** 2;
    squares += exact ** 2;
  }
  return errors / squares;
}

test.each([
  ["int8", "", 2e-4],
  ["f32", "", 1e-12],
  ["int8", " and relaxed SIMD", 2e-4],
] as const)(
  "one row of x gives the bits of many with quantised weights and %s activations%s",
  async (activations, build, limit) => {
    // Node 20 has relaxed SIMD behind a flag, which later versions do not have.
    if (build && process.versions.node.startsWith("20."))
      setFlagsFromString("--experimental-wasm-relaxed-simd");
    await using kernel = await openCpuKernel(2, { shareAbove: 0, wakeAbove: 0 }, activations);
    const x = Float32Array.from(
      { length: rows * columns },
      (_, i) => Math.sin(0.37 * i) * Math.exp(Math.cos(i)),
    );
    const values = Float32Array.from({ length: outFeatures * columns }, (_, i) =>
      Math.sin(1.7 * i * (1 + (i % 7))),
    );
    for (const dtype of quantizedTypes) {
      const blocks = quantize(values, dtype, columns);
      using weight = kernel.upload(blocks, [outFeatures, columns], dtype);
      using all = kernel.upload(x, [rows, columns], "f32");
      using product = kernel.linear(all, weight);
      const [together] = await kernel.read(product);
      expect(relativeError(together!, x, dequantize(blocks, dtype)), dtype).toBeLessThan(limit);
      for (let row = 0; row < rows; row++) {
        using one = kernel.rows(all, row, 1);
        using y = kernel.linear(one, weight);
        const [alone] = await kernel.read(y);
        const width = lastExtent(y.shape);
        expect(alone, `${dtype} row ${row}`).toEqual(together?.slice(row * width, (row + 1) * width));
      }
    }
  },
);
