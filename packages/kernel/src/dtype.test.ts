import { expect, it } from "vitest";
import { fakeTensor } from "../test/fakeTensor.ts";
import {
  byteLength,
  byteOffset,
  type DType,
  elementCount,
  formats,
  hostArray,
  hostLength,
  isHostArrayOf,
  isQuantized,
  quantizedTypes,
} from "./dtype.ts";
import { canTrain, type Kernel } from "./kernel.ts";
import { isDense } from "./tensor.ts";

const dtypes = Object.keys(formats) as DType[];

it("elementCount multiplies the extents", () => {
  expect([elementCount([]), elementCount([7]), elementCount([2, 3, 4])]).toEqual([1, 7, 24]);
});

it.each(dtypes)("hostArray makes what isHostArrayOf accepts for %s", (dtype) => {
  const count = isQuantized(dtype) ? 512 : 5;
  const array = hostArray(dtype, count);
  expect(array).toHaveLength(hostLength(dtype, count));
  expect(array.every((value) => value === 0)).toBe(true);
  expect(array.byteLength).toBe(byteLength(dtype, [count]));
  expect(isHostArrayOf(array, dtype)).toBe(true);
});

it("byteLength counts whole rows of blocks", () => {
  expect([byteLength("f32", [2, 3]), byteLength("bf16", [2, 3]), byteLength("i32", [7])]).toEqual([
    24, 12, 28,
  ]);
  expect([byteOffset("f16", 5), byteOffset("f32", 0)]).toEqual([10, 0]);
});

it("quantised types count blocks", () => {
  expect(quantizedTypes).toEqual(dtypes.filter(isQuantized));
  expect([byteLength("q4_0", [3, 64]), byteLength("q6_k", [2, 512]), hostLength("q8_0", 64)]).toEqual([
    108, 840, 68,
  ]);
  expect(() => byteLength("q8_0", [32, 16])).toThrow("multiple of 32");
  expect(() => byteLength("q4_k", [8, 32])).toThrow("multiple of 256");
});

it("isHostArrayOf tells element types apart", () => {
  expect(isHostArrayOf(new Int32Array(1), "f32")).toBe(false);
  expect(isHostArrayOf(new Float32Array(1), "i32")).toBe(false);
  expect(isHostArrayOf(new Float32Array(1), "f16")).toBe(false);
  expect(isHostArrayOf(new Float32Array(1), "bf16")).toBe(false);
});

it("a tensor is dense when rows follow each other", () => {
  expect(isDense(fakeTensor([2, 8]))).toBe(true);
  expect(isDense(fakeTensor([2, 8], { rowStride: 9 }))).toBe(false);
});

it("canTrain reads the capability", () => {
  const kernel = (training: boolean) => ({ capabilities: { training } }) as Kernel;
  expect([canTrain(kernel(true)), canTrain(kernel(false))]).toEqual([true, false]);
});
