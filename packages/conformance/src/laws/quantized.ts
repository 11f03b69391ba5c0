import { lastExtent, quantizedTypes, type QuantizedDType } from "@mamba/kernel";
import { storageSkipReason, valuesOf } from "../case.ts";
import { blockOf, randomBlocks } from "../cases/storageBlocks.ts";
import { Random } from "../random.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { checkAgree, lawTest, readFloats } from "./harness.ts";

/** A matrix product with quantised weights is that with the numbers that they stand for. */
const sameProduct = (dtype: QuantizedDType): SuiteTest => ({
  ...lawTest(`linear of ${dtype} weights is linear of the numbers that they mean`, async (kernel, scope) => {
    const random = new Random(`${dtype} law`);
    const weight = randomBlocks(random, [5, 3 * blockOf(dtype)], dtype);
    const { shape } = weight;
    const width = lastExtent(shape);
    const x = scope.use(kernel.upload(random.normals(3 * width), [3, width], "f32"));
    const stored = scope.use(kernel.upload(weight.data, shape, dtype));
    const meant = scope.use(kernel.upload(Float32Array.from(valuesOf(weight)), shape, "f32"));
    const actual = await readFloats(kernel, scope.use(kernel.linear(x, stored)));
    const expected = await readFloats(kernel, scope.use(kernel.linear(x, meant)));
    checkAgree(`linear of ${dtype}`, actual, expected);
  }),
  skip: (kernel) => {
    const { activations } = kernel.capabilities;
    const isExact = activations === "f32";
    return (
      storageSkipReason(dtype, kernel) ?? (isExact ? undefined : `capabilities.activations is ${activations}`)
    );
  },
});

/** Scaling x by a power of two scales the result by it exactly, also where rows of x are rounded with scales of their own. */
const scaledRows = (dtype: QuantizedDType): SuiteTest => ({
  ...lawTest(`linear of ${dtype} weights takes rows of any magnitude`, async (kernel, scope) => {
    const random = new Random(`${dtype} scaled rows`);
    const width = 2 * blockOf(dtype);
    const weight = randomBlocks(random, [7, width], dtype);
    const stored = scope.use(kernel.upload(weight.data, weight.shape, dtype));
    const rows = random.normals(4 * width);
    const factors = [1, 2 ** -40, 2 ** 40, 2 ** -80];
    const scaled = rows.map((value, i) => value * (factors[Math.floor(i / width)] ?? 1));
    const product = async (values: Float32Array) => {
      const x = scope.use(kernel.upload(values, [4, width], "f32"));
      return readFloats(kernel, scope.use(kernel.linear(x, stored)));
    };
    const expected = (await product(rows)).map((value, i) => value * (factors[Math.floor(i / 7)] ?? 1));
    const actual = await product(scaled);
    for (let r = 0; r < 4; r++) {
      const [from, to] = [7 * r, 7 * r + 7];
      checkAgree(`row ${r} of linear of ${dtype}`, actual.slice(from, to), expected.slice(from, to));
    }
  }),
  skip: (kernel) => storageSkipReason(dtype, kernel),
});

export const quantizedTests: readonly SuiteTest[] = quantizedTypes.flatMap((dtype) => [
  sameProduct(dtype),
  scaledRows(dtype),
]);
