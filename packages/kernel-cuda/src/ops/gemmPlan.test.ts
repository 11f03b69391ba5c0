import { expect, test } from "vitest";
import { gemmPlan } from "./gemmPlan.ts";

const extents = [1, 9, 16, 17, 64, 130, 768, 4096, 50_280];

test("every plan covers the result and the depth, each part once", () => {
  for (const m of extents) {
    for (const n of extents) {
      for (const k of extents) {
        const { tile, threads, grid, shares, share } = gemmPlan(m, n, k);
        expect(grid).toEqual([Math.ceil(m / tile) * Math.ceil(n / tile), shares]);
        expect(threads).toBe(tile === 128 ? 256 : 128);
        expect(share % 16).toBe(0);
        expect(shares * share).toBeGreaterThanOrEqual(k);
        expect((shares - 1) * share).toBeLessThan(k);
      }
    }
  }
});

test("large results are made of large tiles in one go; small ones share out the depth", () => {
  expect(gemmPlan(8192, 3072, 768)).toMatchObject({ tile: 128, shares: 1 });
  expect(gemmPlan(16, 768, 1536)).toMatchObject({ tile: 64 });
  expect(gemmPlan(16, 768, 1536).shares).toBeGreaterThan(4);
  // The gradient of a weight: few tiles, many rows.
  expect(gemmPlan(80, 1536, 16_384).shares).toBeGreaterThan(4);
});
