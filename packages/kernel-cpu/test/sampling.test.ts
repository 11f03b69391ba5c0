import { reference, type SampleFilters } from "@mamba/conformance";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SampleRow } from "@mamba/kernel";
import { openCpuKernel } from "../src/create.ts";

// Rows of several chunks, odd sizes, ties, missing logits and every combination of filters, compared with the sorting float64
// reference. Logits lie on a grid: whether logits that differ by less than the resolution of float64 probabilities (0 and
// -5e-18) count as equal depends on the implementation.
const logit = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.integer({ min: -12 * 2 ** 16, max: 12 * 2 ** 16 }).map((step) => step / 2 ** 16),
  },
  { weight: 3, arbitrary: fc.constantFrom(-1, 0, 0.5, 3) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, -Infinity, -0) },
);
const inputs = fc.record({
  row: fc.array(logit, { minLength: 1, maxLength: 400 }),
  temperature: fc.double({ min: 0.1, max: 3, noNaN: true }),
  topK: fc.option(fc.integer({ min: 1, max: 450 }), { nil: undefined }),
  topP: fc.option(fc.double({ min: 0.01, max: 1, noNaN: true }), { nil: undefined }),
  minP: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  uniform: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

test("sample agrees with the reference", async () => {
  await using kernel = await openCpuKernel(1);
  await fc.assert(
    fc.asyncProperty(inputs, async ({ row, uniform, ...filters }) => {
      using logits = kernel.upload(Float32Array.from(row), [1, row.length], "f32");
      using chosen = kernel.sample({ logits, rows: [{ ...filters, uniform }] }).ids;
      const [[id] = []] = await kernel.read(chosen);
      if (id !== choice(row, { ...filters, uniform })) expect(boundary(row, filters, uniform)).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test("top-p keeps all that min-p leaves when that weighs less than top-p", async () => {
  await using kernel = await openCpuKernel(1);
  const row = Float32Array.of(10.75, 10.5, ...Array.from({ length: 40 }, () => 7));
  using logits = kernel.upload(row, [1, row.length], "f32");
  const filters = { temperature: 1, topP: 0.95, minP: 0.1 };
  const ids: number[] = [];
  for (const uniform of [0.1, 0.5, 0.7, 0.99]) {
    using chosen = kernel.sample({ logits, rows: [{ ...filters, uniform }] }).ids;
    const [[id] = []] = await kernel.read(chosen);
    ids.push(id as number);
  }
  expect(ids).toEqual([0, 0, 1, 1]);
});

/** The reference's choice. */
function choice(row: number[], options: SampleRow): number | undefined {
  return reference.sample(1, { logits: Float32Array.from(row) }, [options], 0).ids[0];
}

/** True when changing the uniform number or a filter by a rounding error changes the reference's choice too. */
function boundary(row: number[], filters: SampleFilters, uniform: number): boolean {
  const choices = new Set<number | undefined>();
  for (const factor of [1 - 1e-12, 1, 1 + 1e-12]) {
    const near = {
      ...filters,
      ...(filters.topP === undefined ? {} : { topP: Math.min(filters.topP * factor, 1) }),
      ...(filters.minP === undefined ? {} : { minP: Math.min(filters.minP * factor, 1) }),
    };
    for (const shift of [1 - 1e-12, 1, 1 + 1e-12]) {
      choices.add(choice(row, { ...near, uniform: uniform * shift }));
    }
  }
  return choices.size > 1;
}
