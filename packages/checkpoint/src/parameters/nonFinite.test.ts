import { type FloatDType, fromFloat32, type HostArray } from "@mamba/kernel";
import { expect, test } from "vitest";
import { firstNonFinite } from "./nonFinite.ts";

const types: FloatDType[] = ["f32", "f16", "bf16"];

test.each(types)("%s: the largest, smallest, negative and subnormal values are finite", (dtype) => {
  const bits = dtype === "f32" ? [0x7f7fffff, 0xff7fffff, 1, 0x80000000, 0x007fffff] : [];
  const half = dtype === "f16" ? [0x7bff, 0xfbff, 1, 0x8000, 0x03ff] : [0x7f7f, 0xff7f, 1, 0x8000, 0x007f];
  const values: HostArray =
    dtype === "f32" ? new Float32Array(Uint32Array.from(bits).buffer) : Uint16Array.from(half);
  expect(firstNonFinite(values, dtype)).toBe(-1);
  expect(firstNonFinite(values.subarray(0, 0), dtype)).toBe(-1);
});

test.each(types)("%s: finds the first of any non-finite values, wherever it and the array begin", (dtype) => {
  const [infinity, minus, nan] = fromFloat32(Float32Array.of(Infinity, -Infinity, NaN), dtype);
  const all = fromFloat32(
    Float32Array.from({ length: 20_001 }, (_, i) => Math.sin(i) * 60000),
    dtype,
  );
  for (const offset of [0, 1, 2, 3]) {
    for (const at of [0, 1, 2, 5, 4095, 4096, 8191, 8192, 9001, 19_990, 20_001 - 1 - offset]) {
      for (const value of [infinity, minus, nan]) {
        const values = all.slice().subarray(offset);
        values[at] = value ?? 0;
        values[values.length - 1] = value ?? 0;
        expect(firstNonFinite(values, dtype)).toBe(at);
      }
    }
  }
});
