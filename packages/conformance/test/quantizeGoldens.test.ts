import { readFileSync } from "node:fs";
import { type QuantizedDType, quantizedTypes } from "@mamba/kernel";
import { checkBlocks, dequantize, quantize } from "@mamba/kernel/quantize";
import { describe, expect, test } from "vitest";
import { nmse } from "../src/index.ts";

// The conversions of `@mamba/kernel/quantize` against tooling/reference/quantize_goldens.py, which shares no code with them.

type ByType<T> = Readonly<Partial<Record<QuantizedDType, T>>>;
const goldens = JSON.parse(
  readFileSync(new URL("../goldens/quantize.json", import.meta.url), "utf8"),
) as Readonly<{
  dequantize: ByType<{ blocks: string; values: string }>;
  quantize: ByType<string> & { values: string };
  search: ByType<number> & { values: string };
}>;

const bytes = (hex = ""): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const floats = (hex?: string): Float32Array => new Float32Array(bytes(hex).buffer);

describe("dequantize", () => {
  test.each(quantizedTypes)("%s gives the numbers of the golden", (dtype) => {
    const golden = goldens.dequantize[dtype];
    const values = floats(golden?.values);
    expect(values.length).toBeGreaterThanOrEqual(192);
    const found = dequantize(bytes(golden?.blocks), dtype);
    expect(found.map((value) => value + 0)).toEqual(values.map((value) => value + 0));
    // Into an array that held something else, and from bytes in the middle of a buffer.
    const to = new Float32Array(values.length).fill(7);
    const shifted = new Uint8Array(bytes(golden?.blocks).length + 3);
    shifted.set(bytes(golden?.blocks), 3);
    expect(dequantize(shifted.subarray(3), dtype, to)).toBe(to);
    expect(to).toEqual(found);
  });
});

describe("quantize", () => {
  const legacy = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1"] as const;
  const values = floats(goldens.quantize.values);

  test.each(legacy)("%s gives the bytes of ggml's reference", (dtype) => {
    expect(Buffer.from(quantize(values, dtype, 64)).toString("hex")).toBe(goldens.quantize[dtype]);
  });

  test.each(["q4_k", "q5_k", "q6_k", "iq4_nl"] as const)("%s is as good as ggml's search", (dtype) => {
    const rows = floats(goldens.search.values);
    const blocks = quantize(rows, dtype, 256);
    expect(checkBlocks(blocks, dtype)).toBe(-1);
    expect(nmse(dequantize(blocks, dtype), rows)).toBeLessThan(1.01 * (goldens.search[dtype] ?? 0));
  });

  test.each(quantizedTypes)("%s blocks that mean their own values keep them", (dtype) => {
    const rows = floats(goldens.search.values).subarray(0, 1024);
    const once = dequantize(quantize(rows, dtype, 256), dtype);
    const twice = dequantize(quantize(once, dtype, 256), dtype);
    expect(nmse(twice, once)).toBeLessThan(dtype === "q8_0" ? 1e-6 : 1e-3);
  });
});
