import { expect, test } from "vitest";
import { decodeCase, modelCases, prefillCase } from "./models.ts";
import { trainingCases } from "./training.ts";

test("counts the bytes and operations of a token of mamba-130m", () => {
  const find = (name: string, dtype: string) => {
    const item = modelCases.find((item) => item.name.endsWith(name) && item.dtype === dtype);
    if (!item) throw new Error(`no case ${name} in ${dtype}`);
    return item;
  };
  // 129 135 360 parameters in f32, and 24 layers × 1536 × (16 + 3) floats of state, read and written.
  expect(find("decode B=1", "f32").bytes).toBe(4 * 129_135_360 + 8 * 24 * 1536 * 19);
  expect(find("decode B=1", "f16").bytes / 1e6).toBeCloseTo(266, 0);
  expect(find("prefill L=512", "f32").flops / 512 / 1e9).toBeCloseTo(0.1845, 4);
});

test("counts the bytes of a quantised model as those of its file", () => {
  // Per layer: the products in and out and x are matrices, dt is f16 because its rows have 48 numbers, the rest is f32.
  const [matrices, dt, other] = [1536 * 768 * 3 + 80 * 1536, 1536 * 48, 1536 * (4 + 1 + 1 + 16 + 1) + 768];
  const bytes = (perMatrix: number, perTable: number) =>
    24 * (matrices * perMatrix + 2 * dt + 4 * other) + 50280 * 768 * perTable + 4 * 768;
  expect(prefillCase("mamba-130m", "q8_0", 512).bytes).toBe(bytes(34 / 32, 34 / 32));
  expect(prefillCase("mamba-130m", "q4_k", 512).bytes).toBe(bytes(144 / 256, 210 / 256));
  const { dtype, bytes: decoded } = decodeCase("mamba-130m", "q4_0", 1);
  expect(dtype).toBe("q4_0");
  expect(decoded).toBe(bytes(18 / 32, 210 / 256) + 8 * 24 * 1536 * 19);
});

test("counts the operations of training", () => {
  const [step, block] = trainingCases;
  // A multiply-add per weight and position, three times: forward, and backward to the input and to the weights.
  const wide = 512 * 1536 * (2 * 768 + 80 + 48 + 768);
  expect(block?.flops).toBe(6 * wide + 512 * 1536 * (2 * 4 + 4 + 7 * 16 + 11 + 6 * 4 + 8 + 18 * 16 + 25));
  expect((step?.flops ?? 0) / 1e9).toBeCloseTo(2.2, 1);
});
