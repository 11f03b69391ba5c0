import { expect, test } from "vitest";
import { rowPlan } from "./rowPlan.ts";

test("a GPU kernel for the number of rows, in the storage type of the weight", () => {
  const kernels = [1, 2, 4, 5, 8].map((rows) => rowPlan("bf16", rows, 768, 3072).kernel);
  expect(kernels).toEqual(["linear1_bf16", "linear4_bf16", "linear4_bf16", "linear8_bf16", "linear8_bf16"]);
});

test("few outputs get more threads each, short rows get fewer", () => {
  expect(rowPlan("f16", 1, 2560, 10_240).lanes).toBe(32);
  expect(rowPlan("f16", 1, 5120, 192).lanes).toBe(256);
  expect(rowPlan("f32", 1, 20, 50_280).lanes).toBe(8);
  // No more threads than a row has reads of 16 bytes, to the next power of two.
  expect(rowPlan("f32", 1, 160, 80).lanes).toBe(64);
});

test("the threads per output do not depend on the number of rows", () => {
  for (const [I, O] of [
    [768, 3072],
    [1536, 80],
    [48, 1536],
    [1536, 768],
  ] as const) {
    const lanes = [1, 2, 8, 9, 33].map((rows) => rowPlan("f32", rows, I, O).lanes);
    expect(new Set(lanes).size).toBe(1);
  }
});

test("a quantised weight has one GPU kernel for one row and one for more, of four outputs each", () => {
  for (const rows of [1, 2, 8, 33]) {
    const { kernel, grid, lanes } = rowPlan("q4_k", rows, 768, 517);
    expect(kernel).toBe(rows === 1 ? "linear1_q4_k" : "linear8_q4_k");
    expect(lanes).toBe(rowPlan("q4_k", 1, 768, 517).lanes);
    expect(grid).toBe(Math.ceil(517 / ((256 / lanes) * 4)) * Math.ceil(rows / 8));
  }
});

test("the grid covers all outputs and rows", () => {
  for (const rows of [1, 3, 8, 9, 33]) {
    for (const outputs of [1, 9, 517, 50_280]) {
      const { grid, lanes } = rowPlan("f32", rows, 768, outputs);
      const each = (256 / lanes) * (rows === 1 ? 2 : 4);
      expect(grid).toBe(Math.ceil(outputs / each) * Math.ceil(rows / 8));
    }
  }
});
